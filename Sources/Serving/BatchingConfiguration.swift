import PolicyInterface

/// How requests that wait at the same time are answered together.
public struct BatchingConfiguration: Codable, Sendable, Equatable {
    /// The most requests that are denoised as one batch; 1 turns batching off.
    public var largestBatch: Int
    /// Requests that may wait; further ones are refused at once, with an error that says so.
    public var queue: Int
    /// The longest that a batch is held back for robots that were answered in the last batch and will therefore ask soon again.
    ///
    /// It is never more than a quarter of what the last batch took, and a robot that is alone never waits.
    public var gathering: Duration

    enum CodingKeys: String, CodingKey {
        case largestBatch = "largest_batch"
        case queue
        case gathering
    }

    /// Batches of up to 16, by default.
    public init(largestBatch: Int = 16, queue: Int = 64, gathering: Duration = .milliseconds(5)) {
        self.largestBatch = largestBatch
        self.queue = queue
        self.gathering = gathering
    }

    /// Checks the numbers.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        for (key, value) in [("batch", largestBatch), ("queue", queue)] where !(1...4096).contains(value) {
            throw InvalidSetting(key: "largest \(key)", expected: "1...4096", found: value)
        }
        guard gathering >= .zero, gathering <= .seconds(1) else {
            throw InvalidSetting(key: "gathering", expected: "0 to 1 second", found: gathering)
        }
    }
}
