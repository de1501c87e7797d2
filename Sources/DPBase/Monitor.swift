package import Foundation

/// A value that several threads share, and on whose changes they can wait.
///
/// Unchecked, because the lock of the condition guards every access to the value.
package final class Monitor<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value

    /// Creates a monitor of a value, which no other reference may access from now on.
    package init(_ value: sending Value) { self.value = value }

    /// Returns what a function reads from the value.
    package func read<Result>(_ body: (Value) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(value)
    }

    /// Changes the value, and wakes the threads that wait for a change.
    package func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        defer { condition.broadcast() }
        return try body(&value)
    }

    /// Waits until a function returns a result, and returns it; nil if the deadline passes first.
    ///
    /// The function is called at the beginning, after every change, and once more at the deadline. It may change the
    /// value when it returns a result; the other waiting threads are then woken.
    /// - Parameters:
    ///   - deadline: when to stop waiting; never if nil.
    ///   - body: returns a result, or nil to wait for another change.
    package func wait<Result>(until deadline: Date?, for body: (inout Value) throws -> Result?) rethrows -> Result? {
        condition.lock()
        defer { condition.unlock() }
        var isLate = false
        while true {
            if let result = try body(&value) {
                condition.broadcast()
                return result
            }
            // After the deadline, check once more, since a change may have arrived with it.
            if isLate { return nil }
            if let deadline { isLate = !condition.wait(until: deadline) } else { condition.wait() }
        }
    }

    /// Waits until a function returns a result, and returns it; see `wait(until:for:)`.
    package func wait<Result>(for body: (inout Value) throws -> Result?) rethrows -> Result {
        while true {
            if let result = try wait(until: nil, for: body) { return result }
        }
    }
}
