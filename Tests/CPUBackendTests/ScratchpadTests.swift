import TensorGraph
import Testing

@testable import CPUBackend

@Suite("Working memory of oneDNN")
struct ScratchpadTests {
    /// Windows of one pixel that skip others, of few channels: the library gathers them, and writes further than it says.
    @Test(arguments: [1, 3, 12])
    func endsWhereItIsReserved(channels: Int) throws {
        // The weight gradient on one thread: with AVX2, two threads of oneDNN 2.6.3 have been seen to miss each other in its barrier.
        try CPUMachine(threads: 1).perform { try check(channels: channels, isShared: false) }
        try CPUMachine(threads: 2).perform { try check(channels: channels, isShared: true) }
    }

    private func check(channels: Int, isShared: Bool) throws {
        let oneDNN = OneDNN()
        let geometry = Convolution2D(kernel: 1, stride: 2)
        let (x, y): (Shape, Shape) = ([2, 128, 128, channels], [2, 64, 64, 4])
        let product = OneDNN.Product(geometry, from: x, to: y)
        let floats = { (shape: Shape) in try AlignedMemory(floats: shape.count) }
        let (source, destination, weights) = (try floats(x), try floats(y), try floats([1024]))

        let primitives: [(OneDNN.Description, [(argument: OneDNN.Argument, memory: UnsafeMutableRawPointer)])] = [
            (
                oneDNN.forward(product, hasBias: false, operands: .float32, result: .float32),
                [(.source, source.start), (.weights, weights.start), (.destination, destination.start)]
            ),
            (
                oneDNN.sourceGradient(product, operands: .float32, result: .float32),
                [
                    (.gradientOfSource, source.start), (.weights, weights.start),
                    (.gradientOfDestination, destination.start),
                ]
            ),
            (
                oneDNN.weightGradient(product, hasBias: false, operands: .float32),
                [
                    (.source, source.start), (.gradientOfWeights, weights.start),
                    (.gradientOfDestination, destination.start),
                ]
            ),
        ]
        for (description, tensors) in isShared ? primitives.dropLast() : primitives[...] {
            let (byteCount, beyond) = (description.scratchpadByteCount, 1 << 20)
            let scratchpad = AlignedMemory.Growing()
            let start = try scratchpad.reserve(byteCount + beyond)
            let memory = UnsafeMutableRawBufferPointer(start: start, count: byteCount + beyond)
            memory.initializeMemory(as: UInt8.self, repeating: 0x5A)
            let primitive = try oneDNN.primitive(description, tensors, scratchpad: scratchpad)
            primitive.execute()
            #expect(memory[byteCount...].allSatisfy { $0 == 0x5A })
        }
        withExtendedLifetime((source, destination, weights)) {}
    }
}
