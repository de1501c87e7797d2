import DPBase
import DPInterface
import Testing

@testable import DPPolicy

private func request(_ tiny: TinyPolicy, seed: UInt64) -> ChunkRequest {
    let values = tiny.observations(1)
    let observations = (0..<2).map { time in
        RobotObservation(vectors: [
            "joints": [values[time * 3], values[time * 3 + 1]], "goal": [0, values[time * 3 + 2]],
        ])
    }
    return ChunkRequest(observations: observations, key: RandomKey(seed: seed))
}

@Test(arguments: [Sampler.ddim(steps: 3), .ddpm(steps: 5)])
func refinementLeadsFromTheNoiseToTheAnswer(sampler: Sampler) throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy(sampler: sampler)
    let requests = [1, 2, 3].map { request(tiny, seed: $0) }
    var steps: [DenoisingProgress] = []
    let chunks = try policy.predictActionChunks(for: requests) { steps.append($0) }
    #expect(try policy.predictActionChunks(for: requests) == chunks)

    let count = try #require(sampler.steps)
    #expect(steps.map(\.index) == Array(0...count))
    #expect(steps.allSatisfy { $0.count == count && $0.items == 0..<3 })
    #expect(steps.last?.actions == chunks.flatMap { $0.prediction.flatMap { $0 } })

    // The noise of the second request, in raw units.
    var noise = [Float](repeating: 0, count: 4 * tiny.model.sampleDimension)
    requests[1].key.folding(0).fillNormal(&noise)
    var expected = (0..<4).flatMap { noise[$0 * tiny.model.sampleDimension..<$0 * tiny.model.sampleDimension + 2] }
    tiny.normalizer.action.invert(&expected)
    #expect(steps.first.map { Array($0.actions[8..<16]) } == expected)
}

@Test func whatStartsLaterIsShownAtItsStart() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy(sampler: .ddim(steps: 3))
    var requests = [1, 2].map { request(tiny, seed: $0) }
    requests[1].start = WarmStart(actions: Array(repeating: [50, 20], count: 4), strength: 0.3)
    var shown: [[Float]] = []
    let chunks = try policy.predictActionChunks(for: requests) { shown.append(Array($0.actions[8...])) }
    // Only one of the three steps remains for the second request.
    #expect(shown.count == 4 && shown[0] == shown[1] && shown[1] == shown[2] && shown[2] != shown[3])
    #expect(try policy.predictActionChunks(for: requests) == chunks)
    var indices: [Int] = []
    _ = try policy.predictActionChunks(for: [requests[1]]) { indices.append($0.index) }
    #expect(indices == [2, 3])
}

@Test func anObserverCanEndARefinement() throws {
    struct Enough: Error {}
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    let requests = [request(tiny, seed: 1)]
    #expect(throws: Enough.self) {
        try policy.predictActionChunks(for: requests) { if $0.index == 1 { throw Enough() } }
    }
    #expect(try policy.predictActionChunks(for: requests) == tiny.policy().predictActionChunks(for: requests))
}

@Test func aBatchThatIsSplitIsShownInParts() throws {
    let tiny = try TinyPolicy()
    let count = DiffusionPolicy.largestBatch + 3
    let requests = (0..<count).map { request(tiny, seed: UInt64($0)) }
    var shown: [Range<Int>] = []
    _ = try tiny.policy(sampler: .ddim(steps: 1), on: .cpu).predictActionChunks(for: requests) { step in
        #expect(step.actions.count == step.items.count * 8)
        if step.index == 1 { shown.append(step.items) }
    }
    #expect(shown.flatMap { $0 } == Array(0..<count))
}

@Test func anotherSamplerNeedsNoOtherWeights() throws {
    let tiny = try TinyPolicy()
    let requests = [request(tiny, seed: 4)]
    let other = try tiny.policy(sampler: .ddim(steps: 3)).sampling(by: .ddpm(steps: 5))
    #expect(
        try other.predictActionChunks(for: requests)
            == tiny.policy(sampler: .ddpm(steps: 5)).predictActionChunks(for: requests))
    #expect(throws: InputError.self) { try other.sampling(by: .ddim(steps: 11)) }
}
