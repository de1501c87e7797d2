import CDPKernels
import Foundation
import TestSupport
import Testing

@testable import DPCPU

@Suite("The group-norm kernel")
struct GroupNormKernelTests {
    enum Film {
        case none, bias, scaleAndBias
    }

    struct Case: CustomTestStringConvertible {
        var batch: Int
        var time: Int
        var channels: Int
        var groups: Int
        var mish = true
        var film = Film.none
        var hasResidual = false

        var testDescription: String {
            "[\(batch), \(time), \(channels)] in \(groups)" + (mish ? ", Mish" : "") + (film != .none ? ", FiLM" : "")
                + (hasResidual ? ", residual" : "")
        }
    }

    static let cases: [Case] = [
        Case(batch: 3, time: 16, channels: 64, groups: 8),
        Case(batch: 2, time: 5, channels: 21, groups: 3, mish: false),
        Case(batch: 5, time: 1, channels: 24, groups: 8, film: .scaleAndBias),
        Case(batch: 2, time: 7, channels: 100, groups: 4, film: .bias),
        Case(batch: 1, time: 4, channels: 30, groups: 10, film: .bias, hasResidual: true),
        Case(batch: 1, time: 40, channels: 264, groups: 8, film: .scaleAndBias, hasResidual: true),
        Case(batch: 9, time: 16, channels: 72, groups: 1, mish: false, film: .scaleAndBias),
        Case(batch: 2, time: 3, channels: 48, groups: 16, mish: false, hasResidual: true),
    ]

    /// Operands of a case and their results in double precision.
    private struct Operands {
        let test: Case
        let x, residual, dy, gain, bias, film: KernelArray
        var size: Int { test.time * test.channels }

        init(_ test: Case, _ format: ck_format) {
            self.test = test
            let count = test.batch * test.time * test.channels
            x = KernelArray(fill("x", count: count, base: 3, scale: 2), as: format)
            residual = KernelArray(fill("residual", count: count), as: format)
            dy = KernelArray(fill("dy", count: count), as: format)
            gain = KernelArray(fill("gain", count: test.channels, base: 1, scale: 0.5))
            bias = KernelArray(fill("bias", count: test.channels))
            film = KernelArray(fill("film", count: test.batch * 2 * test.channels))
        }

        func descriptor(out: KernelArray?, grain: Int = 0) -> ck_group_norm {
            ck_group_norm(
                batch: test.batch, time: test.time, channels: test.channels, groups: test.groups, epsilon: 1e-5,
                mish: test.mish ? 1 : 0, format: x.format, x: x.start, gain: gain.floats, bias: bias.floats,
                film_scale: hasScale ? UnsafePointer(film.floats) : nil,
                film_bias: test.film != .none ? UnsafePointer(film.floats + test.channels) : nil,
                film_stride: 2 * test.channels, residual: test.hasResidual ? UnsafeRawPointer(residual.start) : nil,
                out: out?.start, grain: grain)
        }

        var hasScale: Bool { test.film == .scaleAndBias }

        /// One element: its normalized value, z = gain · normal + bias, Mish of z and its slope, and FiLM's scale
        /// and bias.
        struct Element {
            var index, item, channel, group: Int
            var normal, z, mish, slope, scale, shift, reciprocalDeviation: Double
        }

        func elements() -> [Element] {
            let (x, gain, bias, film) = (x.doubles, gain.doubles, bias.doubles, film.doubles)
            let width = test.channels / test.groups
            var elements: [Element] = []
            for item in 0..<test.batch {
                for group in 0..<test.groups {
                    let indices = (0..<test.time).flatMap { time in
                        (group * width..<(group + 1) * width).map { item * size + time * test.channels + $0 }
                    }
                    let mean = indices.map { x[$0] }.reduce(0, +) / Double(indices.count)
                    let variance = indices.map { pow(x[$0] - mean, 2) }.reduce(0, +) / Double(indices.count)
                    let reciprocal = 1 / (variance + 1e-5).squareRoot()
                    for index in indices {
                        let channel = index % test.channels
                        let normal = (x[index] - mean) * reciprocal
                        let z = gain[channel] * normal + bias[channel]
                        let t = tanh(log1p(exp(z)))
                        let slope = t + z * (1 - t * t) / (1 + exp(-z))
                        elements.append(
                            Element(
                                index: index, item: item, channel: channel, group: item * test.groups + group,
                                normal: normal, z: z, mish: test.mish ? z * t : z, slope: test.mish ? slope : 1,
                                scale: hasScale ? film[item * 2 * test.channels + channel] : 1,
                                shift: test.film != .none ? film[(2 * item + 1) * test.channels + channel] : 0,
                                reciprocalDeviation: reciprocal))
                    }
                }
            }
            return elements.sorted { $0.index < $1.index }
        }
    }

    @Test("matches loops in double precision", arguments: InstructionSet.usable, cases)
    func forward(_ level: InstructionSet, _ test: Case) {
        for format in [ck_float32, ck_bfloat16] {
            let operands = Operands(test, format)
            let residual = operands.residual.doubles
            let expected = operands.elements().map {
                $0.mish * $0.scale + $0.shift + (test.hasResidual ? residual[$0.index] : 0)
            }
            for threads in [1, 2, 3] {
                let out = KernelArray(count: expected.count, as: format)
                var norm = operands.descriptor(out: out)
                level.run { ck_group_norm_forward(&norm, Int32(threads)) }
                #expect(distance(out.values, expected) < format.tolerance, "\(format) with \(threads) threads")
                #expect(out.isIntact)
            }
            // As one call of a list, with threads that divide the groups of an item.
            let out = KernelArray(count: expected.count, as: format)
            var norm = operands.descriptor(out: out, grain: test.channels / test.groups)
            level.run {
                let call = ck_group_norm_call(&norm)
                for thread in [2, 0, 1] { call.body(call.context, Int32(thread), 3) }
            }
            #expect(distance(out.values, expected) < format.tolerance, "\(format) as a call")
        }
    }

    @Test("its gradients match loops in double precision", arguments: InstructionSet.usable, cases)
    func backward(_ level: InstructionSet, _ test: Case) {
        for format in [ck_float32, ck_bfloat16] {
            let operands = Operands(test, format)
            let elements = operands.elements()
            let (dy, gain) = (operands.dy.doubles, operands.gain.doubles)
            let dz = elements.map { dy[$0.index] * $0.scale * $0.slope }
            var (sums, dots) = (
                [Double](repeating: 0, count: test.batch * test.groups),
                [Double](repeating: 0, count: test.batch * test.groups)
            )
            var (dGain, dBias) = (
                [Double](repeating: 0, count: test.channels), [Double](repeating: 0, count: test.channels)
            )
            var dFilm = [Double](repeating: 0, count: test.batch * 2 * test.channels)
            for element in elements {
                sums[element.group] += gain[element.channel] * dz[element.index]
                dots[element.group] += gain[element.channel] * dz[element.index] * element.normal
                dGain[element.channel] += dz[element.index] * element.normal
                dBias[element.channel] += dz[element.index]
                dFilm[2 * element.item * test.channels + element.channel] +=
                    operands.hasScale ? dy[element.index] * element.mish : 0
                dFilm[(2 * element.item + 1) * test.channels + element.channel] += dy[element.index]
            }
            let members = Double(test.time * test.channels / test.groups)
            let dx = elements.map {
                $0.reciprocalDeviation
                    * (gain[$0.channel] * dz[$0.index] - sums[$0.group] / members
                        - $0.normal * dots[$0.group] / members)
            }
            for threads in [1, 2] {
                let found = KernelArray(count: dx.count, as: format)
                let (foundGain, foundBias) = (KernelArray(count: test.channels), KernelArray(count: test.channels))
                let foundFilm = KernelArray(count: dFilm.count)
                var norm = operands.descriptor(out: nil)
                let scratch = KernelArray(count: ck_group_norm_scratch(&norm, Int32(threads)))
                var gradient = ck_group_norm_gradient(
                    norm: norm, dy: operands.dy.start, dx: found.start, d_gain: foundGain.floats,
                    d_bias: foundBias.floats, d_film_scale: foundFilm.floats,
                    d_film_bias: foundFilm.floats + test.channels, film_stride: 2 * test.channels,
                    scratch: scratch.floats)
                level.run { ck_group_norm_backward(&gradient, Int32(threads)) }
                #expect(distance(found.values, dx) < 2 * format.tolerance, "\(format)")
                #expect(distance(foundGain.values, dGain) < 1e-5, "\(format)")
                #expect(distance(foundBias.values, dBias) < 1e-5, "\(format)")
                #expect(distance(foundFilm.values, dFilm) < 1e-5, "\(format)")
                for array in [found, foundGain, foundBias, foundFilm, scratch] { #expect(array.isIntact) }
            }
        }
    }
}
