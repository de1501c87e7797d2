import DPBase

/// The configuration for batching requests that wait at the same time.
///
/// ```swift
/// var batching = BatchingConfiguration(maxBatchSize: 32, maxQueueLength: 128)
/// batching.maxBatchDelay = .milliseconds(2)
/// try batching.validate()
/// ```
public struct BatchingConfiguration: Codable, Sendable, Equatable {
    /// The largest number of requests in one batch; 1 turns batching off.
    public var maxBatchSize: Int
    /// The number of requests that may wait; the server refuses further ones immediately with an error.
    public var maxQueueLength: Int
    /// The longest time to delay a batch for clients that received a response from the last batch and will
    /// therefore soon send another request.
    ///
    /// The delay is never more than a quarter of the last batch's time, and a single client never waits.
    public var maxBatchDelay: Duration

    enum CodingKeys: String, CodingKey {
        case maxBatchSize = "max_batch_size"
        case maxQueueLength = "max_queue_length"
        case maxBatchDelay = "max_batch_delay"
    }

    /// Creates a configuration; by default, batches of up to 16 requests.
    public init(maxBatchSize: Int = 16, maxQueueLength: Int = 64, maxBatchDelay: Duration = .milliseconds(5)) {
        self.maxBatchSize = maxBatchSize
        self.maxQueueLength = maxQueueLength
        self.maxBatchDelay = maxBatchDelay
    }

    /// Checks the settings.
    /// - Throws: `InputError`.
    public func validate() throws {
        let counts = [("max_batch_size", maxBatchSize), ("max_queue_length", maxQueueLength)]
        for (key, value) in counts where !(1...4096).contains(value) {
            throw InputError(key: key, expected: "1...4096", found: value)
        }
        guard maxBatchDelay >= .zero, maxBatchDelay <= .seconds(1) else {
            throw InputError(key: "max_batch_delay", expected: "0 to 1 second", found: maxBatchDelay)
        }
    }
}
