import CDPKernels
import Foundation
import TestSupport
import Testing

@testable import DPCPU

@Suite("The image group-norm kernel")
struct ImageNormKernelTests {
    struct Case: CustomTestStringConvertible {
        var batch: Int
        var pixels: Int
        var channels: Int
        var groups: Int
        var relu = true
        var hasResidual = false
        /// Mean of the numbers; far from 0, differences of squares lose digits.
        var base: Float = 3

        var testDescription: String {
            "[\(batch), \(pixels), \(channels)] in \(groups)" + (relu ? ", ReLU" : "")
                + (hasResidual ? ", residual" : "") + (base != 3 ? ", about \(base)" : "")
        }
    }

    static let cases: [Case] = [
        Case(batch: 3, pixels: 36, channels: 64, groups: 4),
        Case(batch: 2, pixels: 441, channels: 32, groups: 2, hasResidual: true),
        Case(batch: 1, pixels: 30, channels: 96, groups: 6, relu: false),
        Case(batch: 2, pixels: 1, channels: 48, groups: 3, relu: false, hasResidual: true),
        Case(batch: 5, pixels: 9, channels: 21, groups: 3, hasResidual: true),
        Case(batch: 1, pixels: 700, channels: 16, groups: 1, base: 300),
    ]

    /// Operands of a case and their results in double precision.
    private struct Operands {
        let test: Case
        let x, residual, dy, gain, bias: KernelArray
        private(set) var normal: [Double] = []
        private(set) var reciprocal: [Double] = []
        private(set) var y: [Double] = []

        init(_ test: Case, _ format: ck_format) {
            self.test = test
            let count = test.batch * test.pixels * test.channels
            x = KernelArray(fill("x", count: count, base: test.base, scale: 2), as: format)
            residual = KernelArray(fill("residual", count: count), as: format)
            dy = KernelArray(fill("dy", count: count), as: format)
            gain = KernelArray(fill("gain", count: test.channels, base: 1, scale: 0.5))
            bias = KernelArray(fill("bias", count: test.channels))
            let (values, width) = (x.doubles, test.channels / test.groups)
            normal = values
            reciprocal = values
            for item in 0..<test.batch {
                for group in 0..<test.groups {
                    let indices = (0..<test.pixels).flatMap { pixel in
                        (group * width..<(group + 1) * width).map { (item * test.pixels + pixel) * test.channels + $0 }
                    }
                    let mean = indices.reduce(0) { $0 + values[$1] } / Double(indices.count)
                    let variance = indices.reduce(0) { $0 + pow(values[$1] - mean, 2) } / Double(indices.count)
                    for index in indices {
                        reciprocal[index] = 1 / (variance + 1e-5).squareRoot()
                        normal[index] = (values[index] - mean) * reciprocal[index]
                    }
                }
            }
            let (gains, biases, residuals) = (gain.doubles, bias.doubles, residual.doubles)
            y = normal.indices.map { index in
                let channel = index % test.channels
                let sum = normal[index] * gains[channel] + biases[channel] + (test.hasResidual ? residuals[index] : 0)
                return test.relu ? max(sum, 0) : sum
            }
        }

        func descriptor(out: KernelArray, statistics: KernelArray?, grain: Int = 0) -> ck_image_norm {
            ck_image_norm(
                batch: test.batch, pixels: test.pixels, channels: test.channels, groups: test.groups, epsilon: 1e-5,
                relu: test.relu ? 1 : 0, format: x.format, x: x.start, gain: gain.floats, bias: bias.floats,
                residual: test.hasResidual ? UnsafeRawPointer(residual.start) : nil, out: out.start,
                statistics: statistics?.floats, grain: grain)
        }
    }

    @Test("matches loops in double precision", arguments: InstructionSet.usable, cases)
    func forward(_ level: InstructionSet, _ test: Case) {
        for format in [ck_float32, ck_bfloat16] {
            let operands = Operands(test, format)
            // The kernel cannot have the digits that float32 lacks next to the base.
            let tolerance = format.tolerance + 1e-7 * Double(abs(test.base))
            for threads in [1, 2, 3] {
                let out = KernelArray(count: operands.y.count, as: format)
                let statistics = KernelArray(count: 2 * test.batch * test.groups)
                var norm = operands.descriptor(out: out, statistics: threads == 2 ? nil : statistics)
                level.run { ck_image_norm_forward(&norm, Int32(threads)) }
                #expect(distance(out.values, operands.y) < tolerance, "\(format) with \(threads) threads")
                #expect(out.isIntact && statistics.isIntact)
            }
            let out = KernelArray(count: operands.y.count, as: format)
            var norm = operands.descriptor(out: out, statistics: nil, grain: test.channels / test.groups)
            level.run {
                let call = ck_image_norm_call(&norm)
                for thread in [2, 0, 1] { call.body(call.context, Int32(thread), 3) }
            }
            #expect(distance(out.values, operands.y) < tolerance, "\(format) as a call")
        }
    }

    @Test("its gradients match loops in double precision", arguments: InstructionSet.usable, cases)
    func backward(_ level: InstructionSet, _ test: Case) {
        for format in [ck_float32, ck_bfloat16] {
            let operands = Operands(test, format)
            let (normal, gain, count) = (operands.normal, operands.gain.doubles, operands.y.count)
            // The output in the format determines which elements passed ReLU.
            let y = KernelArray(operands.y.map(Float.init), as: format)
            let passed = y.doubles
            let d = operands.dy.doubles.enumerated().map { test.relu && passed[$0] <= 0 ? 0 : $1 }
            let width = test.channels / test.groups
            func group(_ index: Int) -> Int {
                index / (test.pixels * test.channels) * test.groups + index % test.channels / width
            }
            var (sums, dots) = (
                [Double](repeating: 0, count: test.batch * test.groups),
                [Double](repeating: 0, count: test.batch * test.groups)
            )
            var (dGain, dBias) = (
                [Double](repeating: 0, count: test.channels), [Double](repeating: 0, count: test.channels)
            )
            for index in 0..<count {
                let channel = index % test.channels
                sums[group(index)] += gain[channel] * d[index]
                dots[group(index)] += gain[channel] * d[index] * normal[index]
                dGain[channel] += d[index] * normal[index]
                dBias[channel] += d[index]
            }
            let members = Double(test.pixels * width)
            let dx = (0..<count).map { index in
                operands.reciprocal[index]
                    * (gain[index % test.channels] * d[index] - sums[group(index)] / members
                        - normal[index] * dots[group(index)] / members)
            }
            let tolerance = 2 * format.tolerance + 1e-6 * Double(abs(test.base))
            for threads in [1, 2] {
                let (found, foundResidual) = (
                    KernelArray(count: count, as: format), KernelArray(count: count, as: format)
                )
                let (foundGain, foundBias) = (KernelArray(count: test.channels), KernelArray(count: test.channels))
                let statistics = KernelArray(count: 2 * test.batch * test.groups)
                let out = KernelArray(count: count, as: format)
                var norm = operands.descriptor(out: out, statistics: statistics)
                level.run { ck_image_norm_forward(&norm, Int32(threads)) }
                norm.out = y.start
                if threads == 2 { norm.statistics = nil }
                let scratch = KernelArray(count: ck_image_norm_scratch(&norm, Int32(threads)))
                var gradient = ck_image_norm_gradient(
                    norm: norm, dy: operands.dy.start, dx: found.start,
                    d_residual: test.hasResidual ? foundResidual.start : nil, d_gain: foundGain.floats,
                    d_bias: foundBias.floats, scratch: scratch.floats)
                level.run { ck_image_norm_backward(&gradient, Int32(threads)) }
                #expect(distance(found.values, dx) < tolerance, "\(format)")
                #expect(distance(foundGain.values, dGain) < 1e-5 + 1e-6 * Double(abs(test.base)), "\(format)")
                #expect(distance(foundBias.values, dBias) < 1e-5, "\(format)")
                if test.hasResidual { #expect(foundResidual.doubles == d, "\(format)") }
                for array in [found, foundResidual, foundGain, foundBias, scratch] { #expect(array.isIntact) }
            }
        }
    }
}
