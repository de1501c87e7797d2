import CDPKernels
import Foundation
import TestSupport
import Testing

@testable import DPCPU

/// Runs kernels with arrays as long as a network is wide on a thread with a small stack.
@Suite struct ScratchTests {
    /// The maximum of a policy.
    private static let channels = 65_536

    private struct Failure: Error {}

    /// Runs a body on a thread whose stack is smaller than one of the arrays.
    private func onSmallStack(_ body: @escaping @Sendable () -> [Float]) -> [Float] {
        let (isDone, result) = (DispatchSemaphore(value: 0), Box())
        let thread = Thread {
            result.values = body()
            isDone.signal()
        }
        thread.stackSize = 192 << 10
        thread.start()
        isDone.wait()
        return result.values
    }

    private final class Box: @unchecked Sendable { var values: [Float] = [] }

    /// A gain and a bias that change nothing.
    private static func plain(_ channels: Int) -> (gain: KernelArray, bias: KernelArray) {
        (KernelArray([Float](repeating: 1, count: channels)), KernelArray([Float](repeating: 0, count: channels)))
    }

    @Test func wideGroupNorm() {
        let (channels, time) = (Self.channels, 2)
        let values = onSmallStack {
            let x = KernelArray(fill("x", count: time * channels))
            let (gain, bias) = (KernelArray(fill("gain", count: channels)), KernelArray(fill("bias", count: channels)))
            let out = KernelArray(count: time * channels)
            var norm = ck_group_norm()
            norm.batch = 1
            norm.time = time
            norm.channels = channels
            norm.groups = 8
            norm.epsilon = 1e-5
            norm.format = ck_float32
            norm.x = UnsafeRawPointer(x.start)
            norm.gain = UnsafePointer(gain.floats)
            norm.bias = UnsafePointer(bias.floats)
            norm.out = out.start
            ck_group_norm_forward(&norm, 1)
            let (dx, scratch) = (
                KernelArray(count: time * channels), KernelArray(count: ck_group_norm_scratch(&norm, 1))
            )
            var gradient = ck_group_norm_gradient()
            gradient.norm = norm
            gradient.dy = UnsafeRawPointer(x.start)
            gradient.dx = dx.start
            gradient.scratch = scratch.floats
            ck_group_norm_backward(&gradient, 1)
            return withExtendedLifetime((x, gain, bias, scratch)) { out.values + dx.values }
        }
        #expect(values.count == 4 * channels && values.allSatisfy(\.isFinite))
        // Normalized to mean 0 and deviation 1 within a group, then scaled and shifted.
        let (gain, bias) = (fill("gain", count: channels), fill("bias", count: channels))
        let normal = (0..<channels / 8).flatMap { c in
            [0, channels].map { (Double(values[c + $0]) - Double(bias[c])) / Double(gain[c]) }
        }
        #expect(abs(normal.reduce(0, +) / Double(normal.count)) < 1e-2)
    }

    @Test func wideLayerNorm() {
        let (channels, rows) = (Self.channels, 2)
        let values = onSmallStack {
            let x = KernelArray(fill("x", count: rows * channels), as: ck_bfloat16)
            let (gain, bias) = Self.plain(channels)
            let y = KernelArray(count: rows * channels, as: ck_bfloat16)
            var norm = ck_layer_norm()
            norm.rows = rows
            norm.channels = channels
            norm.epsilon = 1e-5
            norm.x = UnsafeRawPointer(x.start)
            norm.gain = UnsafePointer(gain.floats)
            norm.bias = UnsafePointer(bias.floats)
            norm.y = y.start
            norm.x_format = ck_bfloat16
            norm.y_format = ck_bfloat16
            ck_layer_norm_forward(&norm, 1)
            let (dx, scratch) = (
                KernelArray(count: rows * channels, as: ck_bfloat16), KernelArray(count: 2 * channels)
            )
            var gradient = ck_layer_norm_gradient()
            gradient.norm = norm
            gradient.dx = dx.start
            gradient.scratch = scratch.floats
            ck_layer_norm_backward(&gradient, 1)
            return withExtendedLifetime((x, gain, bias, scratch)) { y.values + dx.values }
        }
        #expect(values.count == 4 * channels && values.allSatisfy(\.isFinite))
        let row = values[..<channels].map(Double.init)
        #expect(abs(row.reduce(0, +) / Double(channels)) < 1e-2)
        let squares: Double = row.reduce(0) { $0 + $1 * $1 }
        #expect(abs(squares / Double(channels) - 1) < 1e-2)
    }

    @Test func wideImageNorm() {
        let (channels, pixels) = (Self.channels, 2)
        let values = onSmallStack {
            let x = KernelArray(fill("x", count: pixels * channels))
            let (gain, bias) = Self.plain(channels)
            let out = KernelArray(count: pixels * channels)
            var norm = ck_image_norm()
            norm.batch = 1
            norm.pixels = pixels
            norm.channels = channels
            norm.groups = channels / 2
            norm.epsilon = 1e-5
            norm.format = ck_float32
            norm.x = UnsafeRawPointer(x.start)
            norm.gain = UnsafePointer(gain.floats)
            norm.bias = UnsafePointer(bias.floats)
            norm.out = out.start
            ck_image_norm_forward(&norm, 1)
            let (dx, scratch) = (
                KernelArray(count: pixels * channels), KernelArray(count: ck_image_norm_scratch(&norm, 1))
            )
            var gradient = ck_image_norm_gradient()
            gradient.norm = norm
            gradient.dy = UnsafeRawPointer(x.start)
            gradient.dx = dx.start
            gradient.scratch = scratch.floats
            ck_image_norm_backward(&gradient, 1)
            return withExtendedLifetime((x, gain, bias, scratch)) { out.values + dx.values }
        }
        #expect(values.count == 4 * channels && values.allSatisfy(\.isFinite))
        // The four numbers of the first group.
        let group = [values[0], values[1], values[channels], values[channels + 1]].map(Double.init)
        #expect(abs(group.reduce(0, +)) < 1e-3)
    }

    @Test func wideSpatialSoftmax() {
        let (channels, width) = (Self.channels, 3)
        let values = onSmallStack {
            let x = KernelArray([Float](repeating: 1, count: width * channels))
            let out = KernelArray(count: 2 * channels)
            var softmax = ck_spatial_softmax()
            softmax.batch = 1
            softmax.height = 1
            softmax.width = width
            softmax.channels = channels
            softmax.format = ck_float32
            softmax.x = UnsafeRawPointer(x.start)
            softmax.out = out.floats
            ck_spatial_softmax_forward(&softmax, 1)
            let dx = KernelArray(count: width * channels)
            var gradient = ck_spatial_softmax_gradient()
            gradient.softmax = softmax
            gradient.dy = UnsafePointer(out.floats)
            gradient.dx = dx.start
            ck_spatial_softmax_backward(&gradient, 1)
            return withExtendedLifetime(x) { out.values + dx.values }
        }
        #expect(values.count == 5 * channels)
        // Equal numbers give the middle of a row.
        #expect(values[0] == 0 && values[1] == -1)
        #expect(values.allSatisfy { $0.isFinite })
    }

    @Test func wideMaxPool() {
        // Not a multiple of the channels that are compared at once.
        let (channels, width) = (Self.channels - 1, 3)
        let numbers = fill("x", count: width * channels)
        let values = onSmallStack {
            let (x, out) = (KernelArray(numbers), KernelArray(count: channels))
            var pool = ck_max_pool()
            pool.batch = 1
            pool.channels = channels
            pool.format = ck_float32
            pool.extent = (1, width)
            pool.windows = (1, 1)
            pool.kernel = (1, width)
            pool.stride = (1, 1)
            pool.padding = (0, 0)
            pool.x = UnsafeRawPointer(x.start)
            pool.out = out.start
            ck_max_pool_forward(&pool, 1)
            let (dx, dy) = (KernelArray(count: width * channels), KernelArray([Float](repeating: 1, count: channels)))
            let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: ck_max_pool_scratch(&pool, 1))
            defer { scratch.deallocate() }
            var gradient = ck_max_pool_gradient()
            gradient.pool = pool
            gradient.dy = UnsafeRawPointer(dy.start)
            gradient.dx = dx.start
            gradient.scratch = scratch
            ck_max_pool_backward(&gradient, 1)
            return withExtendedLifetime((x, dy)) { out.values + dx.values }
        }
        for c in 0..<channels {
            let column = (0..<width).map { numbers[$0 * channels + c] }
            guard values[c] == column.max() else {
                Issue.record("channel \(c): \(values[c]) is not the largest of \(column)")
                return
            }
        }
        #expect(values[channels...].reduce(0, +) == Float(channels))
    }

    /// Arrays of one kernel do not overlap, and a wider kernel receives new ones.
    @Test func arraysAreApart() {
        for count in [1, 10, 100_000] {
            let arrays = (0..<3).map { ck_scratch(Int32($0), 3, count * 4)! }
            for (index, array) in arrays.enumerated() {
                #expect(UInt(bitPattern: array) % 64 == 0)
                array.assumingMemoryBound(to: Float.self).update(repeating: Float(index), count: count)
            }
            for (index, array) in arrays.enumerated() {
                let floats = UnsafeBufferPointer(start: array.assumingMemoryBound(to: Float.self), count: count)
                #expect(floats.allSatisfy { $0 == Float(index) })
            }
        }
    }
}
