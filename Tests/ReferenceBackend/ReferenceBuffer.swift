import DPGraph
import Synchronization

/// A vector in an array that a lock protects.
final class ReferenceBuffer: DeviceBuffer {
    let count: Int
    private let elements: Mutex<[Float]>

    /// Creates a vector of zeros.
    init(count: Int) {
        self.count = count
        elements = Mutex([Float](repeating: 0, count: count))
    }

    func read(into values: UnsafeMutableBufferPointer<Float>, offset: Int) {
        check(values.count, offset)
        elements.withLock { elements in
            for index in values.indices { values[index] = elements[offset + index] }
        }
    }

    func write(_ values: UnsafeBufferPointer<Float>, offset: Int) {
        check(values.count, offset)
        elements.withLock { elements in
            for index in values.indices { elements[offset + index] = values[index] }
        }
    }

    private func check(_ length: Int, _ offset: Int) {
        precondition(
            offset >= 0 && offset + length <= count,
            "expected a range inside 0..<\(count), found \(length) elements from \(offset)")
    }
}
