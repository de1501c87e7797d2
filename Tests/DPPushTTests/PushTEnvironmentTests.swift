import DPBase
import DPInterface
import TestSupport
import Testing

@testable import DPPushT

/// Tests of the environment beyond the golden numbers.
@Suite struct PushTEnvironmentTests {
    /// Targets all over the world, so that there are contacts with the block and the walls.
    static func targets(count: Int, name: String = "targets") -> [SIMD2<Double>] {
        let values = fill(name, count: 2 * count, base: 256, scale: 250)
        return (0..<count).map { SIMD2(Double(values[2 * $0]), Double(values[2 * $0 + 1])) }
    }

    static func rollout(_ environment: PushTEnvironment) throws -> [UInt64] {
        try targets(count: 40).flatMap { target in
            for _ in 0..<5 { try environment.step(toward: target) }
            return environment.state.values.map(\.bitPattern) + [environment.coverage.bitPattern]
        }
    }

    @Test func sameSeedAndActionsGiveTheSameBits() throws {
        let environment = PushTEnvironment(seed: 7)
        let first = try Self.rollout(environment)
        let start = PushTEnvironment(seed: 7).state
        #expect(environment.state.block.position != start.block.position, "the rollout never touched the block")
        environment.reset(seed: 7)
        #expect(environment.state == start)
        #expect(try Self.rollout(environment) == first)
        #expect(try Self.rollout(PushTEnvironment(seed: 7)) == first)
        #expect(try Self.rollout(PushTEnvironment(seed: 8)) != first)
    }

    @Test func environmentsOnOtherThreadsDoNotDisturb() async throws {
        let alone = try Self.rollout(PushTEnvironment(seed: 3))
        try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<4 { group.addTask { try Self.rollout(PushTEnvironment(seed: 3)) } }
            for try await bits in group { #expect(bits == alone) }
        }
    }

    @Test(
        arguments: [
            [.nan, 0], [0, .infinity], [-.infinity, 0], [1e30, 0], [0, -10_001], [], [1], [1, 2, 3],
        ] as [[Float]])
    func refusesActions(_ action: [Float]) throws {
        let environment = PushTEnvironment(seed: 0)
        let twin = PushTEnvironment(seed: 0)
        #expect(throws: InputError.self) { try environment.step(action) }
        #expect(environment.stepCount == 0)
        #expect(environment.state == twin.state)
        #expect(try Self.rollout(environment) == Self.rollout(twin))
    }

    @Test(
        arguments: [
            [], [0, 0, 0, 0], [0, 0, 0, 0, .nan], [.infinity, 0, 0, 0, 0], [0, 0, 1e9, 0, 0], [0, 0, 0, 0, 1e300],
        ] as [[Double]])
    func refusesStates(_ values: [Double]) {
        #expect(throws: InputError.self) { try PushTState(values) }
        let state = PushTState(
            agent: SIMD2(0, .nan), block: Pose(position: .zero, angle: values.last ?? 0))
        let environment = PushTEnvironment(seed: 0)
        let before = environment.state
        #expect(throws: InputError.self) { try environment.reset(to: state) }
        #expect(environment.state == before)
        #expect(throws: InputError.self) { try PushTEnvironment(state: state) }
    }

    @Test func refusesImpossibleDefinitions() {
        let spoilers: [@Sendable (inout PushTDefinition) -> Void] = [
            { $0.goal.angle = .nan }, { $0.successCoverage = 1 }, { $0.controlFrequency = 0 },
            { $0.physicsFrequency = 105 }, { $0.proportionalGain = .infinity }, { $0.derivativeGain = -1 },
            { $0.damping = 2 }, { $0.keypointVisibility = .nan },
        ]
        #expect(throws: Never.self) { try PushTDefinition().validate() }
        for spoil in spoilers {
            var definition = PushTDefinition()
            spoil(&definition)
            #expect(throws: InputError.self) { try definition.validate() }
        }
    }

    /// Chipmunk's assertions would end the process.
    @Test func survivesWildActions() throws {
        for seed in 0..<4 {
            let environment = PushTEnvironment(seed: UInt64(seed))
            for (index, value) in Self.targets(count: 200, name: "wild.\(seed)").enumerated() {
                try environment.step(toward: index % 3 == 0 ? (value - 256) * 40 : environment.state.block.position)
                #expect(environment.state.values.allSatisfy { $0.isFinite })
                #expect((0...1.000001).contains(environment.coverage))
            }
        }
    }

    @Test func startsAtAGivenState() throws {
        let state = try PushTState([100, 120, 300, 200, 1.25])
        let environment = try PushTEnvironment(state: state)
        for (found, expected) in zip(environment.state.values, state.values) { #expect(abs(found - expected) <= 1e-9) }
        let negative = try PushTEnvironment(state: PushTState([100, 120, 300, 200, -1]))
        #expect(abs(negative.state.block.angle - (2 * .pi - 1)) <= 1e-9)
    }

    @Test func blockAtTheGoalIsSuccess() throws {
        let definition = PushTDefinition()
        let environment = try PushTEnvironment(state: PushTState(agent: SIMD2(50, 50), block: definition.goal))
        #expect(abs(environment.coverage - 1) <= 1e-9)
        #expect(environment.reward == 1)
        #expect(environment.isSuccess)
    }

    /// The legacy order swings the block's origin about its center of gravity, the new one leaves it where it was
    /// drawn.
    @Test func resetOrder() {
        var definition = PushTDefinition()
        definition.resetOrder = .new
        let state = PushTEnvironment(seed: 0, definition: definition).state
        #expect(state.block.position == SIMD2(217, 292))
        let legacy = PushTEnvironment(seed: 0).state
        #expect(abs(legacy.block.angle - state.block.angle) <= 1e-12)
        let swing = (legacy.block.position - state.block.position)
        let expected = Pose(position: .zero, angle: legacy.block.angle).placement()(SIMD2(0, 45))
        #expect(abs(swing.x + expected.x) <= 1e-9 && abs(swing.y - 45 + expected.y) <= 1e-9)
    }

    @Test func observation() throws {
        let environment = PushTEnvironment(seed: 0)
        let observation = environment.observation
        #expect(observation.vectors["state"] == environment.state.values.map(Float.init))
        #expect(observation.vectors["keypoint"] == environment.keypoints.flatMap { [Float($0.x), Float($0.y)] })
        #expect(observation.vectors.count == 2)
        #expect(observation.images.isEmpty)
        var definition = PushTDefinition()
        definition.observesImage = true
        let seeing = PushTEnvironment(seed: 0, definition: definition)
        #expect(seeing.observation.images == ["img": seeing.observationImage()])
    }

    @Test func keypointMask() throws {
        var definition = PushTDefinition()
        definition.keypointVisibility = 0.5
        let environment = PushTEnvironment(seed: 5, definition: definition)
        var seen: Float = 0
        for _ in 0..<100 {
            let mask = try #require(environment.observation.vectors["keypoint_mask"])
            #expect(environment.observation.vectors["keypoint_mask"] == mask, "observing twice gives the same mask")
            #expect(mask.count == 18)
            for index in 0..<9 { #expect(mask[2 * index] == mask[2 * index + 1]) }
            #expect(mask.allSatisfy { $0 == 0 || $0 == 1 })
            seen += mask.reduce(0, +)
            try environment.step([256, 256])
        }
        #expect((750...1050).contains(seen))
    }
}
