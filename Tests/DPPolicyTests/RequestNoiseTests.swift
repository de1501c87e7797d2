import DPBase
import DPInterface
import Testing

@testable import DPPolicy

private func requests(_ tiny: TinyPolicy, noise: (Int) -> [Float]?) -> [ChunkRequest] {
    let numbers = tiny.observations(3)
    return (0..<3).map { item in
        let observations = (0..<2).map { time in
            let row = numbers[(item * 2 + time) * 3..<(item * 2 + time + 1) * 3].map { $0 }
            return RobotObservation(vectors: ["joints": Array(row[..<2]), "goal": [0, row[2]]])
        }
        return ChunkRequest(observations: observations, key: RandomKey(seed: UInt64(item)), noise: noise(item))
    }
}

/// A request with its own noise does not affect the other requests of its batch, which draw theirs.
@Test(arguments: Conditioning.allCases)
func aRequestsNoiseIsItsOwn(conditioning: Conditioning) throws {
    let tiny = try TinyPolicy(conditioning: conditioning)
    let policy = try tiny.policy(on: .cpu)
    let given = [Float](repeating: 0.5, count: 8)
    let drawn = try policy.predictActionChunks(for: requests(tiny) { _ in nil })
    let mixed = try policy.predictActionChunks(for: requests(tiny) { $0 == 1 ? given : nil })
    #expect(mixed[0] == drawn[0] && mixed[2] == drawn[2])
    #expect(mixed[1] != drawn[1])
    let alone = try policy.predictActionChunks(for: [requests(tiny) { _ in given }[1]])
    #expect(isClose(Array(alone[0].prediction.joined()), Array(mixed[1].prediction.joined())))
}

@Test func noiseOfAnotherSizeIsRefused() throws {
    let tiny = try TinyPolicy()
    let policy = try tiny.policy()
    #expect(throws: PolicyError.wrongCount(what: "noise", shape: [4, 2], found: 3)) {
        try policy.predictActionChunks(for: requests(tiny) { _ in [1, 2, 3] })
    }
}
