internal import TensorGraph

/// A flat vector in the processor's memory, with the copies of its ranges in the layouts that primitives want.
final class CPUBuffer: DeviceBuffer, @unchecked Sendable {
    let count: Int
    let memory: AlignedMemory
    /// Counts the changes, so that packed copies know when they are out of date.
    private(set) var version = 0
    private var packedWeights: [PackedWeights] = []
    fileprivate let memoryOfPacked = AlignedMemory.Pool()

    private let engine: EngineThread

    init(count: Int, engine: EngineThread) throws {
        self.count = count
        self.engine = engine
        memory = try AlignedMemory(floats: count)
    }

    var floats: UnsafeMutablePointer<Float> { memory.floats }

    func read(into values: UnsafeMutableBufferPointer<Float>, offset: Int) {
        precondition(
            offset >= 0 && offset + values.count <= count, "\(values.count) from \(offset) of \(count) elements")
        engine.perform { values.baseAddress?.update(from: floats + offset, count: values.count) }
    }

    func write(_ values: UnsafeBufferPointer<Float>, offset: Int) {
        precondition(offset >= 0 && offset + values.count <= count, "\(values.count) to \(offset) of \(count) elements")
        guard let source = values.baseAddress else { return }
        engine.perform {
            (floats + offset).update(from: source, count: values.count)
            markChanged()
        }
    }

    /// Called on the engine's thread, as everything that reads or changes the elements.
    func markChanged() { version += 1 }

    /// The one copy of a range in a layout; executables that want the same one share it.
    func packed(
        offset: Int, from source: OneDNN.Layout, to destination: OneDNN.Layout, oneDNN: OneDNN
    ) throws -> PackedWeights {
        if let known = packedWeights.first(where: {
            $0.offset == offset && $0.source == source && $0.destination == destination
        }) {
            return known
        }
        let packed = try PackedWeights(
            of: self, offset: offset, from: source, to: destination, oneDNN: oneDNN)
        packedWeights.append(packed)
        return packed
    }
}

/// A range of a flat vector in the layout that a primitive wants.
final class PackedWeights {
    let offset: Int
    let source: OneDNN.Layout
    let destination: OneDNN.Layout
    let memory: AlignedMemory
    private let reorder: OneDNN.Primitive
    private var version = -1

    init(
        of buffer: CPUBuffer, offset: Int, from source: OneDNN.Layout, to destination: OneDNN.Layout, oneDNN: OneDNN
    ) throws {
        self.offset = offset
        self.source = source
        self.destination = destination
        memory = try buffer.memoryOfPacked.block(byteCount: destination.byteCount)
        reorder = oneDNN.reorder(
            from: source, at: UnsafeMutableRawPointer(buffer.floats + offset), to: destination, at: memory.start)
    }

    /// What packing costs at least.
    var cost: Cost { Cost(byteCount: source.byteCount + destination.byteCount) }

    /// Packs again if the weights have changed.
    func update(to version: Int) {
        guard self.version != version else { return }
        reorder.execute()
        self.version = version
    }
}
