internal import DPGraph

/// A flat vector in CPU memory, with copies of its ranges in the layouts that primitives require.
///
/// Unchecked, because only the thread that leads the team accesses its contents and its packed copies.
final class CPUBuffer: DeviceBuffer, @unchecked Sendable {
    let count: Int
    let memory: AlignedMemory
    /// Number of changes, which shows packed copies that are out of date.
    private(set) var version = 0
    private var packedWeights: [PackedWeights] = []
    let memoryOfPacked = AlignedMemory.SlabAllocator()

    private let team: Team

    init(count: Int, team: Team) throws {
        self.count = count
        self.team = team
        memory = try AlignedMemory(floats: count)
    }

    var floats: UnsafeMutablePointer<Float> { memory.floats }

    func read(into values: UnsafeMutableBufferPointer<Float>, offset: Int) {
        precondition(
            offset >= 0 && offset + values.count <= count, "\(values.count) from \(offset) of \(count) elements")
        team.perform { values.baseAddress?.update(from: floats + offset, count: values.count) }
    }

    func write(_ values: UnsafeBufferPointer<Float>, offset: Int) {
        precondition(offset >= 0 && offset + values.count <= count, "\(values.count) to \(offset) of \(count) elements")
        guard let source = values.baseAddress else { return }
        team.perform {
            (floats + offset).update(from: source, count: values.count)
            markChanged()
        }
    }

    /// Records a change.
    ///
    /// Only the leader of the team may call this, or read or change the elements.
    func markChanged() { version += 1 }

    /// Returns the only copy of a range in a form; executables that need the same copy share it.
    func packed(offset: Int, as form: PackedWeights.Form, oneDNN: OneDNN, threads: Int32) throws -> PackedWeights {
        if let known = packedWeights.first(where: { $0.offset == offset && $0.form == form }) { return known }
        let packed = try PackedWeights(of: self, offset: offset, as: form, oneDNN: oneDNN, threads: threads)
        packedWeights.append(packed)
        return packed
    }
}
