import CDPKernels
import TestSupport
import Testing

@testable import DPCPU

@Suite("Convolution kernels")
struct ConvolutionKernelTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var batch: Int
        var inputs: Int
        var outputs: Int
        var extent: (Int, Int)
        var kernel: (Int, Int)
        var stride = (1, 1)
        var padding = (0, 0)

        var windows: (Int, Int) {
            (
                (extent.0 + 2 * padding.0 - kernel.0) / stride.0 + 1,
                (extent.1 + 2 * padding.1 - kernel.1) / stride.1 + 1
            )
        }

        var testDescription: String {
            "\(batch) × \(extent) × \(inputs) → \(outputs), kernel \(kernel), stride \(stride), padding \(padding)"
        }

        var convolution: ck_convolution {
            func axis(_ extent: Int, _ windows: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> ck_axis {
                ck_axis(extent: extent, windows: windows, kernel: kernel, stride: stride, padding: padding)
            }
            return ck_convolution(
                batch: batch, inputs: inputs, outputs: outputs,
                rows: axis(extent.0, windows.0, kernel.0, stride.0, padding.0),
                columns: axis(extent.1, windows.1, kernel.1, stride.1, padding.1))
        }

        /// Calls `body` for every tap of every window that lies inside the image, with the pixels of x and of the
        /// result counted over the whole batch.
        func forEachTap(_ body: (_ tap: Int, _ pixel: Int, _ window: Int) -> Void) {
            for item in 0..<batch {
                for row in 0..<windows.0 {
                    for column in 0..<windows.1 {
                        for tap in 0..<kernel.0 * kernel.1 {
                            let y = row * stride.0 + tap / kernel.1 - padding.0
                            let x = column * stride.1 + tap % kernel.1 - padding.1
                            guard (0..<extent.0).contains(y), (0..<extent.1).contains(x) else { continue }
                            body(
                                tap, (item * extent.0 + y) * extent.1 + x,
                                (item * windows.0 + row) * windows.1 + column)
                        }
                    }
                }
            }
        }
    }

    static let cases = [
        Case(batch: 13, inputs: 16, outputs: 40, extent: (5, 4), kernel: (3, 3), padding: (1, 1)),
        Case(batch: 9, inputs: 36, outputs: 8, extent: (7, 8), kernel: (3, 3), stride: (2, 2), padding: (1, 1)),
        Case(batch: 8, inputs: 10, outputs: 33, extent: (5, 6), kernel: (1, 1), stride: (2, 2)),
        Case(batch: 12, inputs: 8, outputs: 6, extent: (4, 7), kernel: (2, 3), stride: (3, 1), padding: (0, 2)),
        Case(batch: 30, inputs: 34, outputs: 64, extent: (1, 9), kernel: (1, 5), padding: (0, 2)),
        Case(batch: 1, inputs: 12, outputs: 3, extent: (1, 1), kernel: (3, 3), padding: (1, 1)),
        // So many rows of a linear layer that they are processed in groups, and that each thread takes its own
        // rows.
        Case(batch: 2101, inputs: 40, outputs: 70, extent: (1, 1), kernel: (1, 1)),
    ]
    /// Cases that Winograd supports.
    static let largeImages = [
        Case(batch: 9, inputs: 32, outputs: 48, extent: (7, 6), kernel: (3, 3), padding: (1, 1)),
        // So large that each thread takes its own images.
        Case(batch: 37, inputs: 32, outputs: 32, extent: (21, 23), kernel: (3, 3), padding: (1, 1)),
    ]
    /// Batches that split into tiles of every size.
    static let batches = (1...25).map {
        Case(batch: $0, inputs: 10, outputs: 38, extent: (1, 3), kernel: (1, 5), padding: (0, 2))
    }
    static let needsAVX512 = ConditionTrait.enabled(if: try InstructionSet.inUse() >= .avx512, "needs AVX-512")
    static let needsBFloat16 = ConditionTrait.enabled(
        if: try InstructionSet.inUse().multipliesBFloat16, "needs products of bfloat16")

    /// Returns the indices of the first and last numbers of an array and of some between; these suffice where each
    /// takes a long sum.
    private func some(of count: Int) -> [Int] {
        Array(Set((0..<40).map { $0 * (count - 1) / 39 })).sorted()
    }

    @Test("gradients of weights and biases are sums over all windows", needsAVX512, arguments: cases + largeImages)
    func weightGradient(_ test: Case) throws { try checkWeightGradient(test, ck_float32) }

    @Test("gradients in bfloat16 are the same sums", needsBFloat16, arguments: cases + largeImages)
    func weightGradientBFloat16(_ test: Case) throws { try checkWeightGradient(test, ck_bfloat16) }

    private func checkWeightGradient(_ test: Case, _ format: ck_format) throws {
        try #require(ck_has_weight_gradient(format) != 0)
        let x = KernelArray(fill("x", count: test.batch * test.extent.0 * test.extent.1 * test.inputs), as: format)
        let dy = KernelArray(fill("dy", count: test.batch * test.windows.0 * test.windows.1 * test.outputs), as: format)
        let taps = test.kernel.0 * test.kernel.1
        let dw = KernelArray(count: test.outputs * test.inputs * taps)
        let db = KernelArray(count: test.outputs)
        var convolution = test.convolution
        for threads: Int32 in [1, 2, 3] {
            let scratch = try AlignedMemory(byteCount: ck_weight_gradient_scratch(&convolution, format, threads))
            withExtendedLifetime(scratch) {
                ck_convolution_weight_gradient(
                    &convolution, format, x.start, dy.start, dw.floats, db.floats, scratch.start, threads)
            }
            let (xs, dys) = (x.doubles, dy.doubles)
            let chosen = some(of: dw.count)
            var expected = [Double](repeating: 0, count: chosen.count)
            test.forEachTap { tap, pixel, window in
                for (place, index) in chosen.enumerated() where index % taps == tap {
                    let (output, input) = (index / taps).quotientAndRemainder(dividingBy: test.inputs)
                    expected[place] += xs[pixel * test.inputs + input] * dys[window * test.outputs + output]
                }
            }
            let biases = (0..<test.outputs).map { output in
                stride(from: output, to: dys.count, by: test.outputs).reduce(0) { $0 + dys[$1] }
            }
            #expect(distance(chosen.map { dw.values[$0] }, expected) < 1e-5)
            #expect(distance(db.values, biases) < 1e-5)
            #expect(dw.isIntact && db.isIntact)
        }
    }

    @Test(
        "blocked GEMM computes convolutions and their transposes", needsAVX512,
        arguments: cases + largeImages + batches)
    func blockedGEMM(_ test: Case) throws { try checkManyRows(test, ck_float32) }

    @Test("blocked GEMM in bfloat16 computes the same", needsBFloat16, arguments: cases + largeImages + batches)
    func manyRowsBFloat16(_ test: Case) throws { try checkManyRows(test, ck_bfloat16) }

    private func checkManyRows(_ test: Case, _ format: ck_format) throws {
        for isTransposed in [false, true] {
            let (from, to) = isTransposed ? (test.outputs, test.inputs) : (test.inputs, test.outputs)
            // In bfloat16 inputs are taken in pairs.
            if format == ck_bfloat16 && from % 2 == 1 { continue }
            try #require(ck_has_blocked_gemm(format, from) != 0)
            let (extent, windows) = (test.extent.0 * test.extent.1, test.windows.0 * test.windows.1)
            let (pixels, results) = isTransposed ? (windows, extent) : (extent, windows)
            let taps = test.kernel.0 * test.kernel.1
            let x = KernelArray(fill("x", count: test.batch * pixels * from), as: format)
            let weights = KernelArray(fill("w", count: test.outputs * test.inputs * taps), as: format)
            let bias = KernelArray(fill("bias", count: to))
            let out = KernelArray(count: test.batch * results * to, as: format)
            var panels = ck_panels(
                outputs: to, inputs: from, taps: taps, format: format, pairs: format == ck_bfloat16 ? 1 : 0)
            let packed = try AlignedMemory(byteCount: ck_panels_size(&panels))
            let strides = isTransposed ? [taps, test.inputs * taps, 1] : [test.inputs * taps, taps, 1]
            ck_pack_panels(&panels, weights.values, strides, packed.start, nil, 2)
            let product = ck_blocked_gemm(
                panels: panels, weights: packed.start, bias: bias.floats, x: x.start, out: out.start,
                out_format: format, shape: test.convolution, is_transposed: isTransposed ? 1 : 0)
            withExtendedLifetime(packed) { withUnsafePointer(to: product) { ck_blocked_gemm_multiply($0, 2) } }
            check(out, test, isTransposed, x, weights, bias, tolerance: 5 * format.tolerance)
        }
    }

    @Test("Winograd computes the same with fewer multiplications", needsAVX512, arguments: largeImages)
    func winograd(_ test: Case) throws {
        var convolution = test.convolution
        try #require(ck_has_winograd(&convolution) != 0)
        for isTransposed in [false, true] {
            let (from, to) = isTransposed ? (test.outputs, test.inputs) : (test.inputs, test.outputs)
            let (extent, windows) = (test.extent.0 * test.extent.1, test.windows.0 * test.windows.1)
            let x = KernelArray(fill("x", count: test.batch * (isTransposed ? windows : extent) * from))
            let weights = KernelArray(fill("w", count: test.outputs * test.inputs * 9))
            let bias = KernelArray(fill("bias", count: to))
            let out = KernelArray(count: test.batch * (isTransposed ? extent : windows) * to)
            var panels = ck_panels(
                outputs: to, inputs: from, taps: Int(ck_winograd_points), format: ck_float32, pairs: 0)
            let packed = try AlignedMemory(byteCount: ck_panels_size(&panels))
            let strides = isTransposed ? [9, test.inputs * 9] : [test.inputs * 9, 9]
            ck_pack_winograd(&panels, weights.values, strides, isTransposed ? 1 : 0, packed.floats, 2)
            var product = ck_winograd(
                panels: panels, weights: packed.floats, bias: bias.floats, x: x.floats, out: out.floats,
                shape: convolution, is_transposed: isTransposed ? 1 : 0, scratch: nil)
            for threads: Int32 in [1, 2] {
                let scratch = try AlignedMemory(floats: ck_winograd_scratch(&product, threads))
                product.scratch = scratch.floats
                withExtendedLifetime((packed, scratch)) { ck_winograd_multiply(&product, threads) }
                check(out, test, isTransposed, x, weights, bias, tolerance: 1e-5)
            }
        }
    }

    /// Compares some results with loops in double precision.
    private func check(
        _ out: KernelArray, _ test: Case, _ isTransposed: Bool, _ x: KernelArray, _ weights: KernelArray,
        _ bias: KernelArray, tolerance: Double
    ) {
        let (from, to) = isTransposed ? (test.outputs, test.inputs) : (test.inputs, test.outputs)
        let taps = test.kernel.0 * test.kernel.1
        let (xs, ws, biases) = (x.doubles, weights.doubles, bias.doubles)
        let chosen = some(of: out.count)
        var expected = chosen.map { biases[$0 % to] }
        test.forEachTap { tap, pixel, window in
            let (source, result) = isTransposed ? (window, pixel) : (pixel, window)
            for (place, index) in chosen.enumerated() where index / to == result {
                for input in 0..<from {
                    let (o, c) = isTransposed ? (input, index % to) : (index % to, input)
                    expected[place] += xs[source * from + input] * ws[(o * test.inputs + c) * taps + tap]
                }
            }
        }
        #expect(distance(chosen.map { out.values[$0] }, expected) < tolerance)
        #expect(out.isIntact)
    }
}
