import CDPKernels
import DPGraph
import Foundation
import TestSupport
import Testing

/// Compares the kernels of transformers with plain loops in double precision at each level of instructions.
@Suite("Transformer kernels")
struct TransformerKernelTests {
    static let levels = [ck_baseline, ck_avx2, ck_avx512, ck_avx512_bf16]
    static let formats = [ck_float32, ck_bfloat16].flatMap { x in [ck_float32, ck_bfloat16].map { (x, $0) } }

    private let key = KernelArray(DropoutMask.pieces(of: 0x0123_4567_89AB_CDEF), as: ck_float32)
    private let mask = DropoutMask(probability: 0.3, stream: 9)

    private func dropout(_ isOn: Bool) -> ck_dropout {
        ck_dropout(
            key: isOn ? UnsafePointer(key.floats) : nil, stream: mask.stream, threshold: mask.threshold,
            scale: mask.scale)
    }

    /// Returns the factors of dropout.
    private func factors(_ count: Int, _ isOn: Bool) -> [Double] {
        let state = mask.state(key: key.values)
        return (0..<count).map { !isOn ? 1 : mask.keeps($0, state: state) ? Double(mask.scale) : 0 }
    }

    @Test("dropout and a sum", arguments: levels, formats)
    func dropoutSum(level: ck_level, formats: (ck_format, ck_format)) {
        ck_cap_level_of_thread(level)
        defer { ck_cap_level_of_thread(ck_avx512_bf16) }
        for (count, threads) in [(1, 1), (37, 1), (531, 1), (9_003, 2)] {
            for (drops, adds) in [(true, true), (true, false), (false, true)] {
                let x = KernelArray(fill("x", count: count), as: formats.0)
                let residual = KernelArray(fill("residual", count: count), as: formats.1)
                let out = KernelArray(count: count, as: formats.1)
                var sum = ck_dropout_sum(
                    count: count, x: x.start, residual: adds ? UnsafeRawPointer(residual.start) : nil, out: out.start,
                    x_format: formats.0, out_format: formats.1, dropout: dropout(drops))
                ck_dropout_sum_forward(&sum, Int32(threads))
                let expected = zip(zip(x.values, residual.values), factors(count, drops)).map {
                    Double($0.0) * $1 + (adds ? Double($0.1) : 0)
                }
                #expect(out.isClose(to: expected))
            }
        }
    }

    @Test("GELU with dropout, forward and backward", arguments: levels, formats)
    func gelu(level: ck_level, formats: (ck_format, ck_format)) {
        ck_cap_level_of_thread(level)
        defer { ck_cap_level_of_thread(ck_avx512_bf16) }
        for (count, threads) in [(1, 1), (531, 1), (9_003, 2)] {
            for drops in [false, true] {
                let x = KernelArray(fill("x", count: count, scale: 6) + [-40, 0, 40], as: formats.0)
                let (y, dx) = (
                    KernelArray(count: count + 3, as: formats.1), KernelArray(count: count + 3, as: formats.0)
                )
                let dy = KernelArray(fill("dy", count: count + 3), as: formats.1)
                var gelu = ck_gelu(
                    count: count + 3, x: x.start, y: y.start, dx: dx.start, x_format: formats.0, y_format: formats.1,
                    dropout: dropout(drops))
                ck_gelu_forward(&gelu, Int32(threads))
                gelu.y = dy.start
                ck_gelu_backward(&gelu, Int32(threads))
                let factors = factors(count + 3, drops)
                let (values, slopes) = (x.values.map(Double.init), dy.values.map(Double.init))
                let distributions = values.map { erfc(-$0 / 2.0.squareRoot()) / 2 }
                #expect(y.isClose(to: values.indices.map { values[$0] * distributions[$0] * factors[$0] }))
                let derivatives = values.indices.map { index in
                    let density = exp(-values[index] * values[index] / 2) / (2 * Double.pi).squareRoot()
                    return distributions[index] + values[index] * density
                }
                #expect(dx.isClose(to: values.indices.map { slopes[$0] * factors[$0] * derivatives[$0] }))
            }
        }
    }

    @Test("layer normalization, forward and backward", arguments: levels, formats)
    func layerNorm(level: ck_level, formats: (ck_format, ck_format)) {
        ck_cap_level_of_thread(level)
        defer { ck_cap_level_of_thread(ck_avx512_bf16) }
        for (rows, channels, threads) in [(1, 1, 1), (3, 5, 1), (2, 64, 1), (40, 256, 2)] {
            for adds in [false, true] {
                let count = rows * channels
                let x = KernelArray(fill("x", count: count, base: 5, scale: 2), as: formats.0)
                let residual = KernelArray(fill("residual", count: count), as: formats.0)
                let dy = KernelArray(fill("dy", count: count), as: formats.1)
                let gain = KernelArray(fill("gain", count: channels, base: 1, scale: 0.1), as: ck_float32)
                let bias = KernelArray(fill("bias", count: channels), as: ck_float32)
                let (y, dx) = (KernelArray(count: count, as: formats.1), KernelArray(count: count, as: formats.0))
                let gradients = KernelArray(count: 2 * channels, as: ck_float32)
                let scratch = KernelArray(count: threads * 2 * channels, as: ck_float32)
                var norm = ck_layer_norm(
                    rows: rows, channels: channels, epsilon: 1e-5, x: x.start, gain: gain.floats, bias: bias.floats,
                    y: y.start, x_format: formats.0, y_format: formats.1)
                ck_layer_norm_forward(&norm, Int32(threads))
                norm.y = dy.start
                var gradient = ck_layer_norm_gradient(
                    norm: norm, residual: adds ? UnsafeRawPointer(residual.start) : nil, dx: dx.start,
                    d_gain: gradients.floats, d_bias: gradients.floats + channels, scratch: scratch.floats)
                ck_layer_norm_backward(&gradient, Int32(threads))

                let (gains, biases) = (gain.values.map(Double.init), bias.values.map(Double.init))
                let (rowsOfX, outers) = (x.values.map(Double.init), dy.values.map(Double.init))
                let added = residual.values.map { adds ? Double($0) : 0 }
                var (expected, slopes) = ([Double](), [Double]())
                var sums = [Double](repeating: 0, count: 2 * channels)
                for row in 0..<rows {
                    let places = row * channels..<(row + 1) * channels
                    let mean = rowsOfX[places].reduce(0, +) / Double(channels)
                    let variance = rowsOfX[places].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
                    let deviation = (variance + 1e-5).squareRoot()
                    let normal = rowsOfX[places].map { ($0 - mean) / deviation }
                    let outer = Array(outers[places])
                    let inner = zip(outer, gains).map { $0 * $1 }
                    let meanInner = inner.reduce(0, +) / Double(channels)
                    let meanProduct = zip(inner, normal).reduce(0) { $0 + $1.0 * $1.1 } / Double(channels)
                    for c in 0..<channels {
                        expected.append(normal[c] * gains[c] + biases[c])
                        slopes.append(
                            (inner[c] - meanInner - normal[c] * meanProduct) / deviation + added[places.lowerBound + c])
                        sums[c] += outer[c] * normal[c]
                        sums[channels + c] += outer[c]
                    }
                }
                #expect(y.isClose(to: expected, within: 1e-5))
                #expect(dx.isClose(to: slopes, within: 1e-5))
                #expect(gradients.isClose(to: sums, within: 1e-5))
            }
        }
    }
}

extension KernelArray {
    /// Whether the numbers are the expected ones, up to rounding to the format and a fraction of the largest one,
    /// and nothing was written past the end.
    func isClose(to expected: [Double], within tolerance: Double = 2e-6) -> Bool {
        let largest = expected.reduce(1) { max($0, abs($1)) }
        let rounding = format == ck_bfloat16 ? 0x1p-8 : 0
        return isIntact && expected.count == count
            && zip(values, expected).allSatisfy {
                abs(Double($0) - $1) <= rounding * abs($1) + tolerance * largest
            }
    }
}
