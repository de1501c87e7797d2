import CDPKernels
import DPGraph
import Testing

@testable import DPCPU

@Suite("Skinny GEMM")
struct SkinnyGEMMTests {
    /// A product of rows of x and the weights of taps.
    struct Product: CustomTestStringConvertible {
        var taps: Taps
        var inputRows: Int
        var rows: Int
        var inputs: Int
        var outputs: Int

        var testDescription: String { "\(rows) × \(inputs) · \(taps.pairs.count) → \(outputs)" }

        static func linear(_ rows: Int, _ inputs: Int, _ outputs: Int) -> Product {
            Product(taps: Taps(rows: rows), inputRows: rows, rows: rows, inputs: inputs, outputs: outputs)
        }

        static func convolution(
            _ geometry: Convolution1D, batch: Int = 1, _ length: Int, _ inputs: Int, _ outputs: Int
        ) -> Product {
            let windows = geometry.outputLength(of: length)
            return Product(
                taps: Taps(geometry, batch: batch, length: length, windows: windows), inputRows: batch * length,
                rows: batch * windows, inputs: inputs, outputs: outputs)
        }

        static func transposed(
            _ geometry: Convolution1D, batch: Int = 1, _ windows: Int, _ inputs: Int, _ outputs: Int
        ) -> Product {
            let length = geometry.transposedLength(of: windows)
            return Product(
                taps: Taps(transposeOf: geometry, batch: batch, windows: windows, length: length),
                inputRows: batch * windows, rows: batch * length, inputs: inputs, outputs: outputs)
        }
    }

    /// Storage formats of the weights, x and the result.
    struct Format: CustomTestStringConvertible {
        var weights: ck_format
        var pairs = false
        var x: ck_format
        var out: ck_format

        var testDescription: String { "\(weights.rawValue) \(pairs) \(x.rawValue) \(out.rawValue)" }
    }

    static let products: [Product] = [
        .linear(1, 296, 512), .linear(1, 7, 3), .linear(2, 65, 31), .linear(5, 130, 33), .linear(32, 17, 100),
        .convolution(.init(kernel: 5, padding: 2), 16, 64, 64), .convolution(.init(kernel: 5, padding: 2), 4, 300, 40),
        .convolution(.init(kernel: 3, stride: 2, padding: 1), 15, 20, 37),
        .convolution(.init(kernel: 4, stride: 3), batch: 3, 13, 5, 65),
        .convolution(.init(kernel: 1), 16, 64, 2), .convolution(.init(kernel: 9, padding: 4), 2, 12, 20),
        .transposed(.init(kernel: 4, stride: 2, padding: 1), 8, 128, 128),
        .transposed(.init(kernel: 5, stride: 3, padding: 1), batch: 2, 4, 33, 19),
    ]

    static let formats: [Format] = [
        Format(weights: ck_float32, x: ck_float32, out: ck_float32),
        Format(weights: ck_bfloat16, x: ck_bfloat16, out: ck_float32),
        Format(weights: ck_int8, x: ck_float32, out: ck_float32),
        Format(weights: ck_int8, x: ck_bfloat16, out: ck_bfloat16),
    ]

    /// Formats that only bfloat16 products read.
    static let formatsOfPairs: [Format] = [
        Format(weights: ck_bfloat16, pairs: true, x: ck_bfloat16, out: ck_float32),
        Format(weights: ck_bfloat16, pairs: true, x: ck_bfloat16, out: ck_bfloat16),
        Format(weights: ck_int8, pairs: true, x: ck_bfloat16, out: ck_float32),
    ]

    @Test("products match plain sums at every level and for any team", arguments: products, formats)
    func agree(product: Product, format: Format) {
        for level in InstructionSet.usable {
            level.run { for threads in [1, 2, 5] { check(product, format, threads: threads, "\(level)") } }
        }
    }

    @Test(
        "pairs match sums", .enabled(if: try InstructionSet.inUse().multipliesBFloat16, "needs products of bfloat16"),
        arguments: products, formatsOfPairs)
    func pairs(product: Product, format: Format) {
        for threads in [1, 2, 5] { check(product, format, threads: threads, "\(threads) threads") }
    }

    private func check(_ product: Product, _ format: Format, threads: Int, _ comment: Comment) {
        let (taps, inputs, outputs) = (product.taps.pairs.count, product.inputs, product.outputs)
        // Weights in the layout of a convolution: [output, input, tap].
        let weights = numbers(outputs * inputs * taps, seed: 1)
        let bias = numbers(outputs, seed: 2)
        let x = numbers(product.inputRows * inputs, seed: 3).map { format.x == ck_bfloat16 ? $0.rounded16 : $0 }

        var panels = ck_panels(
            outputs: outputs, inputs: inputs, taps: taps, format: format.weights, pairs: format.pairs ? 1 : 0)
        let packed = UnsafeMutableRawPointer.allocate(byteCount: ck_panels_size(&panels), alignment: 64)
        defer { packed.deallocate() }
        var scales = [Float](repeating: 0, count: outputs)
        ck_pack_panels(&panels, weights, [inputs * taps, taps, 1], packed, &scales, Int32(threads))

        let source = x.stored(as: format.x)
        defer { source.deallocate() }
        let out = [Float](repeating: 7, count: product.rows * outputs).stored(as: format.out)
        defer { out.deallocate() }
        let tiles = product.taps.tiles(of: 0..<product.rows)
        tiles.withUnsafeBufferPointer { tiles in
            scales.withUnsafeBufferPointer { scales in
                bias.withUnsafeBufferPointer { bias in
                    var product = ck_skinny_gemm(
                        panels: panels, weights: packed, scales: format.weights == ck_int8 ? scales.baseAddress : nil,
                        bias: bias.baseAddress, x: source, x_format: format.x, out: out, out_format: format.out,
                        x_stride: inputs, out_stride: outputs, rows: product.rows, tiles: tiles.baseAddress,
                        tile_count: tiles.count, grain: Int(ck_panel_width))
                    withUnsafeMutablePointer(to: &product) { product in
                        var call = ck_skinny_gemm_call(product)
                        ck_run_calls(&call, 1, Int32(threads))
                    }
                }
            }
        }
        let found = out.values(count: product.rows * outputs, of: format.out)

        var worst = 0.0
        for output in 0..<outputs {
            let own = weights[output * inputs * taps..<(output + 1) * inputs * taps]
            let scale = (own.map(\.magnitude).max() ?? 0) / 127
            for row in 0..<product.rows {
                var (sum, magnitude) = (Double(bias[output]), Double(bias[output]).magnitude)
                var quantization = 0.0
                for (tap, pairs) in product.taps.pairs.enumerated() {
                    for pair in pairs where pair.to == row {
                        for input in 0..<inputs {
                            let weight = weights[(output * inputs + input) * taps + tap]
                            let stored = format.weights == ck_bfloat16 ? weight.rounded16 : weight
                            let (a, b) = (Double(x[pair.from * inputs + input]), Double(stored))
                            sum += a * b
                            magnitude += (a * b).magnitude
                            quantization += a.magnitude * Double(scale) * 0.50001
                        }
                    }
                }
                var bound = 1e-6 * magnitude + (format.weights == ck_int8 ? quantization : 0)
                if format.out == ck_bfloat16 { bound += sum.magnitude / 250 }
                worst = max(worst, (Double(found[row * outputs + output]) - sum).magnitude / bound)
            }
        }
        #expect(worst <= 1, comment)
    }

    /// Returns numbers between −1 and 1.
    private func numbers(_ count: Int, seed: UInt32) -> [Float] {
        var state = seed &* 2_654_435_761
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state)) / Float(Int32.max)
        }
    }

    @Test("a NaN weight makes its whole output NaN in 8 bits too")
    func notANumber() {
        var panels = ck_panels(outputs: 2, inputs: 3, taps: 1, format: ck_int8, pairs: 0)
        var packed = [Int8](repeating: 0, count: ck_panels_size(&panels))
        var scales: [Float] = [0, 0]
        ck_pack_panels(&panels, [1, .nan, 2, 0, 0, 0], [3, 1, 1], &packed, &scales, 1)
        #expect(scales[0].isNaN)
        #expect(scales[1] == 0)
    }

    @Test("calls run in order, serial ones once, for teams of any size", arguments: [1, 2, 7])
    func order(threads: Int) {
        /// Each thread increments its own number; the serial call in between adds them up.
        final class Counters {
            var own = [Int](repeating: 0, count: 64)
            var total = 0
            var threads = 0
        }
        let counters = Counters()
        let context = Unmanaged.passUnretained(counters).toOpaque()
        let raise = ck_call(
            body: { context, thread, threads in
                guard let context else { return }
                let counters = Unmanaged<Counters>.fromOpaque(context).takeUnretainedValue()
                counters.own.withUnsafeMutableBufferPointer { $0[Int(thread)] += 1 }
                if thread == 0 { counters.threads = Int(threads) }
            }, context: context, is_serial: 1, waits: 1)
        let add = ck_call(
            body: { context, _, _ in
                guard let context else { return }
                let counters = Unmanaged<Counters>.fromOpaque(context).takeUnretainedValue()
                counters.total += counters.own.reduce(0, +)
            }, context: context, is_serial: 1, waits: 1)
        let calls = (0..<500).flatMap { _ in [raise, add] }
        ck_run_calls(calls, calls.count, Int32(threads))
        #expect(counters.total == (1...500).reduce(0, +))
    }
}

extension Float {
    /// The nearest bf16, ties to even.
    fileprivate var rounded16: Float {
        Float(bitPattern: (bitPattern + 0x7fff + (bitPattern >> 16) & 1) & 0xffff_0000)
    }
}

extension [Float] {
    fileprivate func stored(as format: ck_format) -> UnsafeMutableRawPointer {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 4 * Swift.max(count, 1), alignment: 64)
        for (index, value) in enumerated() {
            if format == ck_bfloat16 {
                bytes.storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: 2 * index, as: UInt16.self)
            } else {
                bytes.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
            }
        }
        return bytes
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func values(count: Int, of format: ck_format) -> [Float] {
        (0..<count).map { index in
            format == ck_bfloat16
                ? Float(bitPattern: UInt32(load(fromByteOffset: 2 * index, as: UInt16.self)) << 16)
                : load(fromByteOffset: 4 * index, as: Float.self)
        }
    }
}
