import CDPKernels
import Foundation
import TestSupport
import Testing

@testable import DPCPU

@Suite("Image kernels")
struct ImageKernelTests {
    // MARK: - Max pooling

    struct Pool: Sendable {
        var batch: Int
        var channels: Int
        var extent: (Int, Int)
        var kernel: (Int, Int)
        var stride: (Int, Int)
        var padding: (Int, Int)

        var windows: (Int, Int) {
            (
                (extent.0 + 2 * padding.0 - kernel.0) / stride.0 + 1,
                (extent.1 + 2 * padding.1 - kernel.1) / stride.1 + 1
            )
        }

        /// Returns the index of the first largest element of each window and channel.
        func places(_ x: [Double]) -> [Int] {
            var places: [Int] = []
            for item in 0..<batch {
                for row in 0..<windows.0 {
                    for column in 0..<windows.1 {
                        for channel in 0..<channels {
                            var best: Int?
                            for i in 0..<kernel.0 {
                                for j in 0..<kernel.1 {
                                    let y = row * stride.0 - padding.0 + i
                                    let x0 = column * stride.1 - padding.1 + j
                                    guard (0..<extent.0).contains(y), (0..<extent.1).contains(x0) else { continue }
                                    let index = ((item * extent.0 + y) * extent.1 + x0) * channels + channel
                                    if best.map({ x[index] > x[$0] }) ?? true { best = index }
                                }
                            }
                            places.append(best ?? -1)
                        }
                    }
                }
            }
            return places
        }

        func descriptor(_ x: KernelArray, out: KernelArray?) -> ck_max_pool {
            ck_max_pool(
                batch: batch, channels: channels, extent: extent, windows: windows, kernel: kernel, stride: stride,
                padding: padding, format: x.format, x: x.start, out: out?.start)
        }
    }

    static let pools = [
        Pool(batch: 2, channels: 64, extent: (12, 11), kernel: (3, 3), stride: (2, 2), padding: (1, 1)),
        Pool(batch: 3, channels: 5, extent: (4, 6), kernel: (2, 2), stride: (2, 2), padding: (0, 0)),
        Pool(batch: 1, channels: 17, extent: (5, 3), kernel: (3, 2), stride: (1, 1), padding: (1, 1)),
        Pool(batch: 2, channels: 16, extent: (7, 7), kernel: (1, 3), stride: (3, 2), padding: (0, 0)),
    ]

    @Test("max pooling returns the largest, and the first one has the gradient", arguments: InstructionSet.usable)
    func maxPooling(_ level: InstructionSet) {
        for pool in Self.pools {
            for format in [ck_float32, ck_bfloat16] {
                // Few values, so that many are equal.
                let count = pool.batch * pool.extent.0 * pool.extent.1 * pool.channels
                let x = KernelArray(fill("x", count: count, scale: 4).map { $0.rounded() }, as: format)
                let places = pool.places(x.doubles)
                let dy = KernelArray(fill("dy", count: places.count), as: format)
                var expected = [Double](repeating: 0, count: count)
                for (place, gradient) in zip(places, dy.doubles) { expected[place] += gradient }
                for threads in [1, 2] {
                    let out = KernelArray(count: places.count, as: format)
                    var descriptor = pool.descriptor(x, out: out)
                    level.run { ck_max_pool_forward(&descriptor, Int32(threads)) }
                    #expect(out.doubles == places.map { x.doubles[$0] } && out.isIntact)

                    let dx = KernelArray(count: count, as: format)
                    var scratch = [UInt8](repeating: 0, count: ck_max_pool_scratch(&descriptor, Int32(threads)))
                    scratch.withUnsafeMutableBufferPointer { scratch in
                        var gradient = ck_max_pool_gradient(
                            pool: pool.descriptor(x, out: nil), dy: dy.start, dx: dx.start,
                            scratch: scratch.baseAddress)
                        level.run { ck_max_pool_backward(&gradient, Int32(threads)) }
                    }
                    #expect(distance(dx.values, expected) < format.tolerance && dx.isIntact)
                }
            }
        }
    }

    // MARK: - Spatial softmax

    @Test("spatial softmax matches loops in double precision", arguments: InstructionSet.usable)
    func spatialSoftmax(_ level: InstructionSet) {
        for (batch, height, width, channels) in [(2, 3, 3, 32), (3, 4, 1, 5), (1, 1, 1, 16), (2, 15, 20, 33)] {
            for format in [ck_float32, ck_bfloat16] {
                let positions = height * width
                let x = KernelArray(fill("x", count: batch * positions * channels, scale: 6), as: format)
                let dy = KernelArray(fill("dy", count: batch * channels * 2))
                func place(_ index: Int, of count: Int) -> Double {
                    count == 1 ? -1 : -1 + 2 * Double(index) / Double(count - 1)
                }
                let (values, gradients) = (x.doubles, dy.doubles)
                var expected = [Double](repeating: 0, count: batch * channels * 2)
                var expectedGradient = [Double](repeating: 0, count: values.count)
                for item in 0..<batch {
                    for channel in 0..<channels {
                        let indices = (0..<positions).map { (item * positions + $0) * channels + channel }
                        let powers = indices.map { exp(values[$0]) }
                        let sum = powers.reduce(0, +)
                        let out = 2 * (item * channels + channel)
                        for position in 0..<positions {
                            expected[out] += powers[position] / sum * place(position % width, of: width)
                            expected[out + 1] += powers[position] / sum * place(position / width, of: height)
                        }
                        for position in 0..<positions {
                            let (u, v) = (place(position % width, of: width), place(position / width, of: height))
                            expectedGradient[indices[position]] =
                                powers[position] / sum
                                * (gradients[out] * (u - expected[out]) + gradients[out + 1] * (v - expected[out + 1]))
                        }
                    }
                }
                for threads in [1, 2] {
                    let (out, dx) = (KernelArray(count: expected.count), KernelArray(count: values.count, as: format))
                    var softmax = ck_spatial_softmax(
                        batch: batch, height: height, width: width, channels: channels, format: format, x: x.start,
                        out: out.floats)
                    var gradient = ck_spatial_softmax_gradient(softmax: softmax, dy: dy.floats, dx: dx.start)
                    level.run {
                        ck_spatial_softmax_forward(&softmax, Int32(threads))
                        ck_spatial_softmax_backward(&gradient, Int32(threads))
                    }
                    #expect(distance(out.values, expected) < 1e-5 && out.isIntact)
                    #expect(distance(dx.values, expectedGradient) < format.tolerance && dx.isIntact)
                }
            }
        }
    }

    @Test("NaN and infinity make the position of their channel NaN", arguments: InstructionSet.usable)
    func spatialSoftmaxOfNoNumber(_ level: InstructionSet) {
        let (positions, channels) = (12, 33)
        for wrong in [Float.nan, .infinity] {
            var values = fill("x", count: positions * channels)
            values[5 * channels + 7] = wrong
            let (x, out) = (KernelArray(values), KernelArray([Float](repeating: 0, count: 2 * channels)))
            var softmax = ck_spatial_softmax(
                batch: 1, height: 3, width: 4, channels: channels, format: ck_float32, x: x.start, out: out.floats)
            level.run { ck_spatial_softmax_forward(&softmax, 1) }
            for (index, value) in out.values.enumerated() { #expect(value.isNaN == (index / 2 == 7)) }
        }
    }

    // MARK: - ReLU and pixels

    @Test("ReLU, alone and after a sum, and its gradient", arguments: InstructionSet.usable)
    func relu(_ level: InstructionSet) {
        for format in [ck_float32, ck_bfloat16] {
            for count in [1, 77, 20_000] {
                let x = KernelArray(fill("x", count: count), as: format)
                let other = KernelArray(fill("other", count: count), as: format)
                let (alone, sum, dx) = (
                    KernelArray(count: count, as: format), KernelArray(count: count, as: format),
                    KernelArray(count: count, as: format)
                )
                level.run {
                    ck_relu(x.start, nil, alone.start, count, format, 2)
                    ck_relu(x.start, other.start, sum.start, count, format, 2)
                    ck_relu_gradient(alone.start, other.start, dx.start, count, format, 2)
                }
                #expect(alone.doubles == x.doubles.map { max($0, 0) })
                #expect(distance(sum.values, zip(x.doubles, other.doubles).map { max($0 + $1, 0) }) < format.tolerance)
                #expect(dx.doubles == zip(x.doubles, other.doubles).map { $0 > 0 ? $1 : 0 })
                #expect(alone.isIntact && sum.isIntact && dx.isIntact)
            }
        }
    }

    @Test("images are cropped and scaled", arguments: InstructionSet.usable)
    func crops(_ level: InstructionSet) {
        let (height, width, partHeight, partWidth) = (9, 7, 6, 5)
        let images = (0..<3).map { image in
            fill("image \(image)", count: height * width * 3, base: 127.5, scale: 127.5).map { UInt8($0.rounded()) }
        }
        let corners = [(0, 0), (3, 2), (1, 1)]
        let expected = zip(images, corners).flatMap { image, corner in
            (0..<partHeight * partWidth * 3).map { index in
                let (row, rest) = (index / (partWidth * 3), index % (partWidth * 3))
                return Double(image[((corner.0 + row) * width + corner.1) * 3 + rest]) / 127.5 - 1
            }
        }
        for format in [ck_float32, ck_bfloat16] {
            let out = KernelArray(count: expected.count, as: format)
            let pixels = images.flatMap { $0 }
            pixels.withUnsafeBufferPointer { pixels in
                let starts = (0..<3).map { image in pixels.baseAddress.map { $0 + height * width * 3 * image } }
                corners.withUnsafeBytes { corners in
                    var crops = ck_crops(
                        count: 3, height: height, width: width, part_height: partHeight, part_width: partWidth,
                        channels: 3, images: nil, corners: nil, format: format, out: out.start)
                    starts.withUnsafeBufferPointer { starts in
                        crops.images = starts.baseAddress
                        crops.corners = corners.assumingMemoryBound(to: (Int, Int).self).baseAddress
                        level.run { ck_crop(&crops, 2) }
                    }
                }
            }
            #expect(distance(out.values, expected) < format.tolerance && out.isIntact)
        }
    }
}
