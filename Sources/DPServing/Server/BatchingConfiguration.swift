import DPBase

/// The configuration for batching requests that wait at the same time.
///
/// ```swift
/// var batching = BatchingConfiguration(largestBatch: 32, queue: 128)
/// batching.gathering = .milliseconds(2)
/// try batching.validate()
/// ```
public struct BatchingConfiguration: Codable, Sendable, Equatable {
    /// The largest number of requests in one batch; 1 turns batching off.
    public var largestBatch: Int
    /// The number of requests that may wait; the server refuses further ones immediately with an error.
    public var queue: Int
    /// The longest time to delay a batch for clients that received a response from the last batch and will
    /// therefore soon send another request.
    ///
    /// The delay is never more than a quarter of the last batch's time, and a single client never waits.
    public var gathering: Duration

    enum CodingKeys: String, CodingKey {
        case largestBatch = "largest_batch"
        case queue
        case gathering
    }

    /// Creates a configuration; by default, batches of up to 16 requests.
    public init(largestBatch: Int = 16, queue: Int = 64, gathering: Duration = .milliseconds(5)) {
        self.largestBatch = largestBatch
        self.queue = queue
        self.gathering = gathering
    }

    /// Checks the settings.
    /// - Throws: `InputError`.
    public func validate() throws {
        for (key, value) in [("batch", largestBatch), ("queue", queue)] where !(1...4096).contains(value) {
            throw InputError(key: "largest \(key)", expected: "1...4096", found: value)
        }
        guard gathering >= .zero, gathering <= .seconds(1) else {
            throw InputError(key: "gathering", expected: "0 to 1 second", found: gathering)
        }
    }
}
