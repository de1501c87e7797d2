/// A policy that computes its chunks from noise, step by step, and can report the intermediate actions.
///
/// Several samples for one observation are requests with the same observations and different keys in one batch.
package protocol DenoisingPolicy: ChunkingPolicy {
    /// Predicts a chunk for each request, as `predictActionChunks(for:)` does, and reports the intermediate actions
    /// at the start and after each step.
    /// - Parameters:
    ///   - requests: the requests.
    ///   - observe: receives the intermediate actions; it runs on the computing thread, which waits for it.
    /// - Throws: as `predictActionChunks(for:)`, or any error of `observe`.
    func predictActionChunks(
        for requests: [ChunkRequest], observing observe: (DenoisingProgress) throws -> Void
    ) throws -> [ActionChunk]
}

/// Intermediate actions between noise and plan, for the requests of a batch that are computed together.
package struct DenoisingProgress: Sendable, Equatable {
    /// The number of completed denoising steps, of `count`; 0 is the noise at the start.
    ///
    /// Steps that all requests skip because of a warm start are not reported; if only some requests skip them,
    /// these stay at their start meanwhile.
    package var index: Int
    /// The number of denoising steps.
    package var count: Int
    /// The indices of the reported requests in the batch.
    package var items: Range<Int>
    /// The intermediate actions, `[item, prediction, action dimension]`, in raw units and not clamped to any
    /// limits.
    package var actions: [Float]

    /// Creates a progress report.
    package init(index: Int, count: Int, items: Range<Int>, actions: [Float]) {
        self.index = index
        self.count = count
        self.items = items
        self.actions = actions
    }
}
