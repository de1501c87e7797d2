/// A policy that makes its answers from noise, step by step, and can show them on the way.
///
/// Several plans for one observation need nothing of their own: they are requests with the same observations and different keys, asked in one
/// batch.
public protocol RefiningPolicy: ChunkingPolicy {
    /// Predicts a chunk for each request, the same as `chunks(for:)`, and shows what there is of them at the start and after each step.
    /// - Parameters:
    ///   - requests: the questions.
    ///   - observe: called on the thread that computes, so that the time it takes is waited for.
    /// - Throws: as `chunks(for:)`, or what `observe` throws.
    func chunks(
        for requests: [ChunkRequest], observing observe: (RefinementStep) throws -> Void
    ) throws -> [ActionChunk]
}

/// Actions on the way from noise to plans, for the requests of a batch that are computed together.
public struct RefinementStep: Sendable, Equatable {
    /// Steps that were done, of `count`; 0 stands for the noise at the start.
    ///
    /// Steps that all requests leave out, as they start from given actions, are not shown; where only some do, these stay at their start meanwhile.
    public var index: Int
    /// How many steps there are.
    public var count: Int
    /// Which requests are shown, by their places among all that were asked.
    public var items: Range<Int>
    /// What there is of their actions, `[item, prediction, action dimension]`, in raw units and outside of all limits.
    public var actions: [Float]

    /// Actions on their way.
    public init(index: Int, count: Int, items: Range<Int>, actions: [Float]) {
        self.index = index
        self.count = count
        self.items = items
        self.actions = actions
    }
}
