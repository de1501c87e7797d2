import CDPKernels
import Foundation
import TestSupport
import Testing

@testable import DPCPU

@Suite("Elementwise kernels")
struct ElementwiseKernelTests {
    /// Around the sizes of vectors and of a thread's range, and enough for several threads.
    static let counts = [1, 7, 15, 16, 17, 31, 33, 63, 65, 100, 1000, 9001]

    /// Edge cases of rounding and comparison.
    static let awkward: [Float] = [
        0, -0, 1, -1, 20, -20, 30, -90, 90, 1e-30, -1e-30, 1e30, .infinity, -.infinity, .nan,
        Float(bitPattern: 0x7FFF_FFFF),
        Float(bitPattern: 0x3F80_8000), Float(bitPattern: 0x3F81_8000), Float(bitPattern: 0x3F80_8001),
        Float(bitPattern: 0x3F80_7FFF), .greatestFiniteMagnitude, .leastNormalMagnitude,
    ]

    /// Returns edge cases, then plain numbers.
    private func numbers(_ name: String, _ count: Int, scale: Float = 4) -> [Float] {
        let plain = fill(name, count: count, scale: scale)
        return count < 100 ? plain : Self.awkward + plain.dropFirst(Self.awkward.count)
    }

    /// Whether two numbers are the same or differ by rounding.
    private func agree(_ found: Float, _ expected: Double, within tolerance: Double) -> Bool {
        if expected.isNaN { return found.isNaN }
        let rounded = Float(expected)
        if rounded.isInfinite { return found == rounded }
        return abs(Double(found) - expected) <= tolerance * max(1, abs(expected))
    }

    @Test("add in every format, rounding to the nearest", arguments: InstructionSet.usable, counts)
    func sums(_ level: InstructionSet, count: Int) {
        let formats = [ck_float32, ck_bfloat16]
        for (aFormat, bFormat) in formats.flatMap({ a in formats.map { (a, $0) } }) {
            let a = KernelArray(numbers("a", count), as: aFormat)
            let b = KernelArray(numbers("b", count).reversed(), as: bFormat)
            let exact = zip(a.values, b.values).map { $0 + $1 }
            for format in formats {
                let out = KernelArray(count: count, as: format)
                var sum = ck_elementwise(
                    a: a.start, b: b.start, out: out.start, count: count, first: 0, second: 0, a_format: aFormat,
                    b_format: bFormat, out_format: format)
                level.run { ck_sum_of_two(&sum, 2) }
                let expected = KernelArray(exact, as: format).values
                let same = zip(out.values, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
                #expect(same, "\(aFormat) + \(bFormat) to \(format)")
                #expect(out.isIntact)
            }
        }
    }

    @Test("casts round to the nearest bf16 number and back without loss", arguments: InstructionSet.usable, counts)
    func casts(_ level: InstructionSet, count: Int) {
        let x = KernelArray(numbers("x", count))
        let (narrow, wide) = (KernelArray(count: count, as: ck_bfloat16), KernelArray(count: count))
        level.run {
            ck_round_to_bf16(x.floats, narrow.halves, count, 2)
            ck_widen_bf16(narrow.halves, wide.floats, count, 2)
        }
        for (index, value) in x.values.enumerated() {
            #expect(narrow.halves[index] == rounded(value), "\(value)")
            #expect(wide.floats[index].bitPattern == UInt32(narrow.halves[index]) << 16, "\(value)")
        }
        #expect(narrow.isIntact && wide.isIntact)
    }

    @Test("rows are copied byte by byte", arguments: [(1, 1), (3, 10), (700, 66)])
    func copies(rows: Int, length: Int) {
        let source = (0..<rows * (length + 5)).map { UInt8(truncatingIfNeeded: 7 * $0) }
        var destination = [UInt8](repeating: 0xEE, count: rows * (length + 3))
        ck_copy_rows(source, length + 5, &destination, length + 3, rows, length, 2)
        for row in 0..<rows {
            let begin = row * (length + 3)
            let end = begin + length
            let copied = Array(destination[begin..<end])
            let expected = Array(source[(row * (length + 5))...].prefix(length))
            let between = Array(destination[end..<(end + 3)])
            #expect(copied == expected)
            #expect(between == [0xEE, 0xEE, 0xEE])
        }
    }

    @Test("match the formulas", arguments: InstructionSet.usable, counts)
    func formulas(_ level: InstructionSet, count: Int) {
        let (a, b) = (KernelArray(numbers("a", count, scale: 12)), KernelArray(fill("b", count: count)))
        let out = KernelArray(count: count)
        /// Runs a kernel and compares each number with a formula of a and b.
        func expect(within tolerance: Double = 1e-6, _ formula: (Double, Double) -> Double, run: () -> Void) {
            level.run(run)
            let found = out.values
            for (index, pair) in zip(a.doubles, b.doubles).enumerated() {
                let expected = formula(pair.0, pair.1)
                #expect(agree(found[index], expected, within: tolerance), "of \(pair)")
            }
            #expect(out.isIntact)
        }
        expect(-) { ck_binary_same(ck_subtract, a.floats, b.floats, out.floats, count, 2) }
        expect(*) { ck_binary_same(ck_multiply, a.floats, b.floats, out.floats, count, 2) }
        func scaled(a: Double, b: Double) -> Double { a * Double(Float(0.3)) }
        expect(scaled) { ck_scale(a.floats, 0.3, out.floats, count, 2) }
        func clamped(a: Double, b: Double) -> Double { a.isNaN ? a : min(max(a, -1), 2) }
        expect(clamped) { ck_clamp(a.floats, -1, 2, out.floats, count, 2) }
        guard count < 100 else { return }
        func mish(a: Double, b: Double) -> Double { a * tanh(log1p(exp(a))) }
        expect(mish) { ck_mish(a.floats, out.floats, count, 2) }
        func mishGradient(a: Double, b: Double) -> Double {
            let t = tanh(log1p(exp(a)))
            return b * (t + a * (1 - t * t) / (1 + exp(-a)))
        }
        expect(within: 3e-6, mishGradient) { ck_mish_gradient(a.floats, b.floats, out.floats, count, 2) }
    }

    @Test("Mish keeps infinities, NaN and the tails", arguments: InstructionSet.usable)
    func mish(_ level: InstructionSet) {
        let x = KernelArray([.nan, .infinity, 100, 20, -100, -1e30, 0, 3])
        let out = KernelArray(count: x.count)
        level.run { ck_mish(x.floats, out.floats, x.count, 1) }
        #expect(out.values[0].isNaN)
        #expect(out.values[1] == .infinity)
        #expect(out.values[2] == 100)
        #expect(out.values[3] == 20)
        #expect(abs(out.values[4]) < 1e-30)
        #expect(out.values[5].isFinite && abs(out.values[5]) < 1e-5)
        #expect(out.values[6] == 0)
        #expect(abs(out.values[7] - 2.986_535_3) < 1e-6)
    }

    @Test("sums of rows", arguments: InstructionSet.usable, [(1, 1), (5, 3), (3, 40), (37, 129), (300, 64)])
    func rows(_ level: InstructionSet, shape: (rows: Int, columns: Int)) {
        for format in [ck_float32, ck_bfloat16] {
            let x = KernelArray(fill("x", count: shape.rows * shape.columns, base: 1), as: format)
            var expected = [Double](repeating: 0, count: shape.columns)
            for (index, value) in x.doubles.enumerated() { expected[index % shape.columns] += value }
            for threads in [1, 3] {
                let (out, scratch) = (KernelArray(count: shape.columns), KernelArray(count: threads * shape.columns))
                level.run {
                    ck_sum_rows(x.start, format, out.floats, shape.rows, shape.columns, scratch.floats, Int32(threads))
                }
                #expect(distance(out.values, expected) < 2e-6)
                #expect(out.isIntact && scratch.isIntact)
            }
        }
    }

    @Test("FiLM and its gradients", arguments: InstructionSet.usable, [(1, 1, 5), (3, 7, 33), (2, 70, 64)])
    func film(_ level: InstructionSet, shape: (batch: Int, time: Int, channels: Int)) {
        let (count, conditions) = (shape.batch * shape.time * shape.channels, shape.batch * shape.channels)
        let (scale, bias) = (
            KernelArray(fill("scale", count: conditions)), KernelArray(fill("bias", count: conditions))
        )
        for format in [ck_float32, ck_bfloat16] {
            let x = KernelArray(fill("x", count: count), as: format)
            let dy = KernelArray(fill("dy", count: count), as: format)
            let (out, dx) = (KernelArray(count: count, as: format), KernelArray(count: count, as: format))
            let (dScale, dBias) = (KernelArray(count: conditions), KernelArray(count: conditions))
            var film = ck_modulation(
                batch: shape.batch, time: shape.time, channels: shape.channels, format: format, x: x.start,
                scale: scale.floats, bias: bias.floats, film_stride: shape.channels, out: out.start, dy: dy.start,
                d_scale: dScale.floats, d_bias: dBias.floats)
            level.run { ck_film(&film, 2) }
            film.out = dx.start
            level.run { ck_film_gradient(&film, 2) }
            func condition(_ index: Int) -> Int {
                index / (shape.time * shape.channels) * shape.channels + index % shape.channels
            }
            var sums = (
                scale: [Double](repeating: 0, count: conditions), bias: [Double](repeating: 0, count: conditions)
            )
            for (index, pair) in zip(x.doubles, dy.doubles).enumerated() {
                sums.scale[condition(index)] += pair.0 * pair.1
                sums.bias[condition(index)] += pair.1
            }
            let scales = scale.doubles
            let biases = bias.doubles
            #expect(
                distance(out.values, x.doubles.enumerated().map { $1 * scales[condition($0)] + biases[condition($0)] })
                    < format.tolerance)
            #expect(distance(dx.values, dy.doubles.enumerated().map { $1 * scales[condition($0)] }) < format.tolerance)
            #expect(distance(dScale.values, sums.scale) < 1e-5)
            #expect(distance(dBias.values, sums.bias) < 1e-5)
        }
    }

    @Test("AdamW and the EMA", arguments: InstructionSet.usable, [1, 17, 1000, 9001])
    func adamW(_ level: InstructionSet, count: Int) {
        let names = ["parameters", "gradients", "first", "average"]
        let arrays = names.map { KernelArray(fill($0, count: count)) }
        let second = KernelArray(fill("second", count: count, base: 1))
        let before = (arrays + [second]).map(\.doubles)
        var update = ck_adamw(
            decay_factor: 0.999, beta1: 0.9, beta2: 0.999, one_minus_beta1: 0.1, one_minus_beta2: 0.001,
            step_size: 0.01, inverse_root_correction: 1.5, epsilon: 1e-8, gradient_scale: 0.5, average_decay: 0.75,
            one_minus_average_decay: 0.25)
        level.run {
            ck_adamw_update(
                &update, arrays[0].floats, arrays[1].floats, arrays[2].floats, second.floats, arrays[3].floats, count, 2
            )
        }
        let found = (arrays + [second]).map(\.doubles)
        for index in 0..<count {
            let gradient = before[1][index] * 0.5
            let first = before[2][index] + 0.1 * (gradient - before[2][index])
            let square = 0.999 * before[4][index] + 0.001 * gradient * gradient
            let root = square.squareRoot()
            let weight = before[0][index] * 0.999 - 0.01 * first / (root * 1.5 + 1e-8)
            let tolerance = 1e-6 * (1 + abs(weight) + abs(0.01 * first / root))
            #expect(abs(found[0][index] - weight) < tolerance)
            #expect(abs(found[2][index] - first) < 1e-6)
            #expect(abs(found[4][index] - square) < 1e-6)
            #expect(abs(found[3][index] - (0.75 * before[3][index] + 0.25 * found[0][index])) < 1e-6)
        }
        #expect(found[1] == before[1])
        #expect(arrays.filter { !$0.isIntact }.isEmpty && second.isIntact)
    }
}
