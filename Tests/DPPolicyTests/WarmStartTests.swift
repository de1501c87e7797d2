import DPBase
import DPInterface
import Testing

@testable import DPPolicy

private let networks: [(conditioning: Conditioning, denoiser: DenoiserConfiguration)] =
    Conditioning.allCases.map { ($0, TinyPolicy.unet) } + [(.global, TinyPolicy.transformer)]
private let samplers: [Sampler] = [.ddim(steps: 3), .ddpm(steps: 5), .ddim(steps: 5, eta: 0.5)]
private let keys = (0..<4).map { RandomKey(seed: 11).folding($0) }

/// Returns raw actions that the tiny policy could have predicted, `[Tp, A]`.
private func plan(_ number: Int = 0) -> [[Float]] {
    (0..<4).map { (time: Int) -> [Float] in
        let (x, y) = (40 + 30 * time + 20 * number, 10 + 15 * time)
        return [Float(x), Float(y)]
    }
}

@Test(arguments: networks, samplers)
func aWarmStartIsMixedWithNoiseInClosedForm(
    network: (conditioning: Conditioning, denoiser: DenoiserConfiguration), sampler: Sampler
) throws {
    let tiny = try TinyPolicy(conditioning: network.conditioning, denoiser: network.denoiser)
    let raw = tiny.observations(1)
    var observation = raw
    tiny.normalizer.observation.apply(to: &observation)
    let schedule = try tiny.configuration.diffusion.schedule()
    let table = try sampler.table(for: .noise, schedule: schedule)
    let width = tiny.model.sampleDimension
    for share in [0.05, 0.6, 1] {
        let start = WarmStart(actions: plan(), strength: share)
        let first = table.count - start.steps(of: table.count)
        let product = schedule.alphasCumulativeProduct[table[first].timestep]
        var clean = Array(plan().joined())
        tiny.normalizer.action.apply(to: &clean)
        var sample = [Float](repeating: 0, count: 4 * width)
        keys[0].folding(0).fillNormal(&sample)
        for index in sample.indices {
            let action = index % width < 2 ? clean[index / width * 2 + index % width] : 0
            sample[index] = Float(product.squareRoot()) * action + Float((1 - product).squareRoot()) * sample[index]
        }
        let expected = try tiny.actions(
            denoising: sample, with: sampler, from: first, key: keys[0], observation: observation)
        for tested in TestedBackend.allCases {
            let found = try tiny.policy(sampler: sampler, on: tested)
                .predict(observations: raw, keys: [keys[0]], starts: [start])
            #expect(isClose(found, expected), "\(tested), strength \(share)")
        }
    }
}

@Test(arguments: samplers)
func warmAndColdStartsShareABatch(sampler: Sampler) throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy(sampler: sampler, on: .cpu)
    let observations = tiny.observations(4)
    let starts: [WarmStart?] = [
        WarmStart(actions: plan(), strength: 0.3), nil, WarmStart(actions: plan(1), strength: 0.7),
        WarmStart(actions: plan(2), strength: 1),
    ]
    let together = try policy.predict(observations: observations, keys: keys, starts: starts)
    #expect(try policy.predict(observations: observations, keys: keys, starts: starts) == together)
    for item in keys.indices {
        let alone = try policy.predict(
            observations: Array(observations[item * 6..<(item + 1) * 6]), keys: [keys[item]], starts: [starts[item]])
        #expect(isClose(alone, Array(together[item * 8..<(item + 1) * 8])), "item \(item)")
    }
    // Earlier warm starts leave no trace.
    let cold = try policy.predict(observations: observations, keys: keys)
    #expect(try cold == tiny.policy(sampler: sampler, on: .cpu).predict(observations: observations, keys: keys))
    #expect(Array(cold[..<8]) != Array(together[..<8]))
}

@Test func theNoiseOfAWarmStartIsTheGivenOne() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    var noise = [Float](repeating: 0, count: 8)
    keys[0].folding(0).fillNormal(&noise)
    let start = WarmStart(actions: plan(), strength: 0.5)
    let drawn = try policy.predict(observations: tiny.observations(1), keys: [keys[0]], starts: [start])
    let given = try policy.predict(
        observations: tiny.observations(1), noise: noise, keys: [keys[1]], starts: [start])
    #expect(given == drawn)
}

@Test func aRequestCarriesItsWarmStart() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    let seen = RobotObservation(vectors: ["joints": [1, 2], "goal": [9, 3]])
    let start = WarmStart(actions: plan(), strength: 0.4)
    let requests = [start, nil].map { ChunkRequest(observations: [seen, seen], key: keys[0], start: $0) }
    let chunks = try policy.predictActionChunks(for: requests)
    let observations: [Float] = [1, 2, 3, 1, 2, 3]
    let warm = try policy.predict(observations: observations, keys: [keys[0]], starts: [start])
    #expect(isClose(Array(chunks[0].prediction.joined()), warm))
    let cold = try policy.predict(observations: observations, keys: [keys[0]])
    #expect(isClose(Array(chunks[1].prediction.joined()), cold))
    #expect(chunks[0] != chunks[1])
}

@Test func theShareOfTheStepsIsRoundedAndNeverNone() {
    func steps(_ share: Double, of count: Int) -> Int { WarmStart(actions: [], strength: share).steps(of: count) }
    #expect(steps(0.5, of: 10) == 5)
    #expect(steps(0.5, of: 5) == 3)
    #expect(steps(0.01, of: 10) == 1)
    #expect(steps(1, of: 100) == 100)
    #expect(steps(0.3, of: 1) == 1)
}

@Test func unusableWarmStartsAreRefused() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    func predict(_ actions: [[Float]]) throws {
        _ = try policy.predict(
            observations: tiny.observations(2), keys: Array(keys[..<2]),
            starts: [nil, WarmStart(actions: actions, strength: 0.5)])
    }
    #expect(throws: PolicyError.wrongCount(what: "warm start of item 1", shape: [4, 2], found: 6)) {
        try predict(Array(plan()[..<3]))
    }
    #expect(throws: PolicyError.wrongCount(what: "warm start of item 1", shape: [4, 2], found: 12)) {
        try predict(plan().map { $0 + [0] })
    }
    var broken = plan()
    broken[2][1] = .infinity
    #expect(throws: PolicyError.startNotFinite(item: 1, time: 2, component: 1, value: "inf")) { try predict(broken) }
}
