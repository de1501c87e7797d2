import DPBase
import DPGraph
import DPInterface
import Testing

@testable import DPPolicy

// At the noisiest step, a network with random weights is off by a hundred times its output, which also amplifies
// rounding errors, so these samplers start later.
private let samplers: [Sampler] = [.ddim(steps: 3, spacing: .leading), .ddpm(steps: 5, spacing: .leading)]
private let keys = (0..<5).map { RandomKey(seed: 3).folding($0) }

@Test(arguments: Conditioning.allCases, samplers)
func answersDependOnNothingButTheRequest(conditioning: Conditioning, sampler: Sampler) throws {
    let tiny = try TinyPolicy(conditioning: conditioning)
    // Uses the fast backend, because the slow one computes each item separately anyway.
    let policy = try tiny.policy(sampler: sampler, on: .cpu)
    let observations = tiny.observations(5)
    let together = try policy.predict(observations: observations, keys: keys)
    #expect(together.count == 5 * 4 * 2)
    #expect(try policy.predict(observations: observations, keys: keys) == together)
    for item in keys.indices.reversed() {
        let alone = try policy.predict(
            observations: Array(observations[item * 6..<(item + 1) * 6]), keys: [keys[item]])
        #expect(isClose(alone, Array(together[item * 8..<(item + 1) * 8])))
    }
    let others = keys.map { $0.folding(1) }
    #expect(try policy.predict(observations: observations, keys: others) != together)
}

/// Compares results from the noisiest step in normalized units, in which an item of a batch matches the item alone.
@Test(
    arguments: Conditioning.allCases,
    [Sampler.ddim(steps: 3, spacing: .trailing), .ddpm(steps: 5, spacing: .trailing)])
func answersFromTheNoisiestStepAreThoseInABatch(conditioning: Conditioning, sampler: Sampler) throws {
    let tiny = try TinyPolicy(conditioning: conditioning)
    let policy = try tiny.policy(sampler: sampler, on: .cpu)
    let observations = tiny.observations(5)
    var together = try policy.predict(observations: observations, keys: keys)
    tiny.normalizer.action.apply(to: &together)
    for item in keys.indices {
        var alone = try policy.predict(
            observations: Array(observations[item * 6..<(item + 1) * 6]), keys: [keys[item]])
        tiny.normalizer.action.apply(to: &alone)
        let largest = zip(alone, together[item * 8..<(item + 1) * 8]).map { abs($0 - $1) }.max() ?? 1
        #expect(largest <= 1e-4, "item \(item)")
    }
    // No two items have the same result.
    #expect(Set(keys.indices.map { Array(together[$0 * 8..<($0 + 1) * 8]) }).count == keys.count)
}

@Test(arguments: Conditioning.allCases, samplers)
func predictionIsTheSamplerAppliedStepByStep(conditioning: Conditioning, sampler: Sampler) throws {
    let tiny = try TinyPolicy(conditioning: conditioning)
    let raw = tiny.observations(1)
    var observation = raw
    tiny.normalizer.observation.apply(to: &observation)
    var sample = [Float](repeating: 0, count: 4 * tiny.model.sampleDimension)
    keys[0].folding(0).fillNormal(&sample)
    let actions = try tiny.actions(denoising: sample, with: sampler, key: keys[0], observation: observation)
    for tested in TestedBackend.allCases {
        let found = try tiny.policy(sampler: sampler, on: tested).predict(observations: raw, keys: [keys[0]])
        #expect(isClose(found, actions), "\(tested)")
    }
}

@Test func givenNoiseIsWhereDenoisingStarts() throws {
    for conditioning in Conditioning.allCases {
        let tiny = try TinyPolicy(conditioning: conditioning)
        let policy = try tiny.policy()
        let size = 4 * tiny.model.sampleDimension
        var noise = [Float](repeating: 0, count: 2 * size)
        for item in 0..<2 {
            var part = [Float](repeating: 0, count: size)
            keys[item].folding(0).fillNormal(&part)
            noise.replaceSubrange(item * size..<(item + 1) * size, with: part)
        }
        let observations = tiny.observations(2)
        let drawn = try policy.predict(observations: observations, keys: Array(keys[..<2]))
        // Other keys, but the noise that the first keys would draw.
        let given = try policy.predict(observations: observations, noise: noise, keys: Array(keys[2..<4]))
        #expect(given == drawn)
    }
}

@Test func noiseOfTheActionsAloneIsEnoughForInpainting() throws {
    let tiny = try TinyPolicy(conditioning: .inpainting)
    let policy = try tiny.policy()
    let noise = [Float](repeating: 0.5, count: 8)
    let first = try policy.predict(observations: tiny.observations(1), noise: noise, keys: [keys[0]])
    #expect(try policy.predict(observations: tiny.observations(1), noise: noise, keys: [keys[0]]) == first)
    #expect(try policy.predict(observations: tiny.observations(1), keys: [keys[0]]) != first)
}

@Test func largeRequestsAreSplit() throws {
    let tiny = try TinyPolicy(sampler: .ddim(steps: 1))
    let policy = try tiny.policy(on: .cpu)
    let count = DiffusionPolicy.largestBatch + 3
    let many = (0..<count).map { RandomKey(seed: 5).folding($0) }
    let observations = tiny.observations(count)
    let actions = try policy.predict(observations: observations, keys: many)
    for item in [0, DiffusionPolicy.largestBatch - 1, DiffusionPolicy.largestBatch, count - 1] {
        let alone = try policy.predict(
            observations: Array(observations[item * 6..<(item + 1) * 6]), keys: [many[item]])
        #expect(isClose(Array(actions[item * 8..<(item + 1) * 8]), alone))
    }
    #expect(try policy.predict(observations: [], keys: []).isEmpty)
}

@Test func chunksAreMadeFromNamedFeatures() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    func observation(_ joints: [Float]) -> RobotObservation {
        RobotObservation(vectors: ["joints": joints, "goal": [9, 3], "unused": [.nan]])
    }
    let past = [observation([1, 2]), observation([4, 5])]
    let chunk = try #require(
        try policy.predictActionChunks(for: [ChunkRequest(observations: past, key: keys[0])]).first)
    let expected = try policy.predict(observations: [1, 2, 3, 4, 5, 3], keys: [keys[0]])
    #expect(Array(chunk.prediction.joined()) == expected)
    #expect(chunk.executed == 1..<3)
    #expect(try policy.predictActionChunks(for: []).isEmpty)
    #expect(throws: PolicyError.wrongHistory(expected: 2, found: 1)) {
        try policy.predictActionChunks(for: [ChunkRequest(observations: [past[0]], key: keys[0])])
    }
    #expect(throws: InputError.self) {
        try policy.predictActionChunks(for: [
            ChunkRequest(observations: [past[0], observation([.nan, 1])], key: keys[0])
        ])
    }
}

@Test func actionsAreMovedIntoTheLimitsAndCounted() throws {
    let free = try TinyPolicy().policy()
    let tiny = try TinyPolicy(limits: .init(lower: [90, -1000], upper: [110, 1000]))
    let limited = try tiny.policy()
    let observations = tiny.observations(5)
    let expected = try free.predict(observations: observations, keys: keys)
    let found = try limited.predict(observations: observations, keys: keys)
    for index in found.indices {
        #expect(found[index] == (index % 2 == 0 ? min(max(expected[index], 90), 110) : expected[index]))
    }
    let outside = stride(from: 0, to: expected.count, by: 2).count { !(90...110).contains(expected[$0]) }
    #expect(limited.clampedActions == outside && outside > 0)
    #expect(free.clampedActions == 0)
}

@Test func actionsThatAreNotFiniteAreNeverGiven() throws {
    var tiny = try TinyPolicy(clip: nil, sampler: .ddim(steps: 1))
    let bias = tiny.model.table.ranges[try #require(tiny.model.table.index(of: "final_conv.1.bias"))]
    tiny.weights[bias.offset + 1] = .nan
    let policy = try tiny.policy()
    #expect(throws: PolicyError.actionNotFinite(item: 0, time: 0, component: 1)) {
        try policy.predict(observations: tiny.observations(1), keys: [keys[0]])
    }
}

@Test func numbersThatAreFewOrNotFiniteAreRefused() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    #expect(throws: PolicyError.wrongCount(what: "observation", shape: [1, 2, 3], found: 5)) {
        try policy.predict(observations: [1, 2, 3, 4, 5], keys: [keys[0]])
    }
    #expect(throws: PolicyError.observationNotFinite(item: 1, index: 2, value: "inf")) {
        try policy.predict(
            observations: [0, 0, 0, 0, 0, 0, 0, 0, .infinity, 0, 0, 0], keys: Array(keys[..<2]))
    }
    #expect(throws: PolicyError.wrongCount(what: "noise", shape: [1, 4, 2], found: 3)) {
        try policy.predict(observations: tiny.observations(1), noise: [1, 2, 3], keys: [keys[0]])
    }
    #expect(throws: PolicyError.noiseNotFinite(index: 0, value: "nan")) {
        try policy.predict(
            observations: tiny.observations(1), noise: [.nan] + [Float](repeating: 0, count: 7), keys: [keys[0]])
    }
    #expect(throws: InputError.self) { try tiny.policy(sampler: .ddim(steps: 11)) }
}

@Test func preparationChangesNoAnswer() throws {
    let tiny = try TinyPolicy()
    let prepared = try tiny.policy()
    for count in [0, 1, 5, DiffusionPolicy.largestBatch + 1] { try prepared.prepare(count: count) }
    let observations = tiny.observations(5)
    #expect(
        try prepared.predict(observations: observations, keys: keys)
            == tiny.policy().predict(observations: observations, keys: keys))
}
