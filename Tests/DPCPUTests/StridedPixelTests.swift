import DPGraph
import Testing

@testable import DPCPU

@Suite("Strided windows of one pixel")
struct StridedPixelTests {
    /// oneDNN's kernels for such windows gather whole blocks of channels into memory sized for the actual channels.
    @Test(arguments: [1, 3, 12, 32])
    func weightGradientIsExactAndWritesWithinItsMemory(channels: Int) throws {
        try CPUBackend(threads: 2).perform { try check(channels: channels) }
    }

    private func check(channels: Int) throws {
        let oneDNN = OneDNN()
        let (x, y): (Shape, Shape) = ([2, 128, 128, channels], [2, 64, 64, 4])
        let product = OneDNN.Product(Convolution2D(kernel: 1, stride: 2), from: x, to: y)
        let description = oneDNN.weightGradient(product, hasBias: false, operands: .float32)
        let layout = description.layout(of: .gradientOfWeights)
        let (source, destination) = (try AlignedMemory(floats: x.count), try AlignedMemory(floats: y.count))
        let gradient = try AlignedMemory(byteCount: layout.byteCount)
        let plain = try AlignedMemory(floats: 4 * channels)
        source.floats.update(repeating: 1, count: x.count)
        destination.floats.update(repeating: 1, count: y.count)

        let (byteCount, beyond) = (description.scratchpadLayout.byteCount, 1 << 20)
        let scratchpad = AlignedMemory.ScratchBuffer()
        let memory = UnsafeMutableRawBufferPointer(
            start: try scratchpad.reserve(byteCount + beyond), count: byteCount + beyond)
        memory.initializeMemory(as: UInt8.self, repeating: 0x5A)
        let primitive = try oneDNN.primitive(
            description,
            [
                (.source, source.start), (.gradientOfWeights, gradient.start),
                (.gradientOfDestination, destination.start),
            ], scratchpad: scratchpad)
        primitive.execute()
        oneDNN.reorder(
            from: layout, at: gradient.start, to: OneDNN.Layout(rowMajor: [4, channels, 1, 1]), at: plain.start
        ).execute()
        withExtendedLifetime((source, destination, gradient, plain, scratchpad)) {
            #expect(memory[byteCount...].allSatisfy { $0 == 0x5A })
            #expect((0..<4 * channels).allSatisfy { plain.floats[$0] == 2 * 64 * 64 })
        }
    }
}
