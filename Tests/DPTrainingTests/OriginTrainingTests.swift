import DPBase
import DPDatasets
import DPInterface
import DPPolicy
import Testing

@testable import DPTraining

/// Tests with map coordinates and time stamps: values far from 0 with small variation.
@Suite struct OriginTrainingTests {
    /// Returns a dataset of a robot that moves around a point: its position and its next position.
    private func demonstrations(at offset: Double) throws -> InMemoryDataset {
        let key = RandomKey(seed: 2)
        // Multiples of 1/1024, so that sums are exact.
        let steps = (0..<400).map { ((key.uniform(at: $0) * 4 - 2) * 1024).rounded() / 1024 }
        return try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("position", shape: [2], doubles: (0..<400).map { offset + steps[$0] }),
                InMemoryDataset.Feature("action", shape: [2], doubles: (0..<400).map { offset + steps[399 - $0] }),
            ], episodeEnds: [100, 200])
    }

    private func trainer(at offset: Double, limits: ActionConfiguration.Limits? = nil) throws -> Trainer {
        var recipe = ToyRobot.recipe()
        recipe.policy.observations = ObservationSchema([FeatureSelection("position")])
        recipe.policy.action = ActionConfiguration(dimension: 2, limits: limits)
        return try ToyRobot.trainer(recipe, demonstrations: demonstrations(at: offset))
    }

    private func losses(_ trainer: Trainer) throws -> [Double] {
        try trainer.batches(count: 4).map { try trainer.step($0).loss }
    }

    @Test(arguments: [4_649_776, 1_700_000_000, -0x1p33])
    func farNumbersAreLearnedAsNearOnes(_ offset: Double) throws {
        let (near, far) = (try losses(trainer(at: 0)), try losses(trainer(at: offset)))
        #expect(zip(near, far).allSatisfy { abs($0 - $1) < 1e-5 * $0 })
    }

    /// The same request at an offset gets the same actions at that offset, through every API.
    @Test func actionsMoveWithTheOrigin() throws {
        let offset = 0x1p31
        let (near, far) = (try trainer(at: 0), try trainer(at: offset))
        let limits = ActionConfiguration.Limits(lower: [offset - 1, offset - 1], upper: [offset + 1, offset + 1])
        let held = try trainer(at: offset, limits: limits)
        let position: [Double] = [0.5, -1.25, 0.75, 0.375]
        func answer(_ trainer: Trainer, _ offset: Double) throws -> [Double] {
            try trainer.policy().predict(doubles: position.map { offset + $0 }, keys: [RandomKey(seed: 1)])
        }
        let (plain, moved) = (try answer(near, 0), try answer(far, offset))
        #expect(zip(plain, moved).allSatisfy { abs($0 + offset - $1) < 1e-4 })
        #expect(Set(plain).count > 4)
        let clamped = try answer(held, offset)
        #expect(zip(clamped, moved).allSatisfy { abs($0 - min(max($1, offset - 1), offset + 1)) < 1e-6 })
        #expect(clamped != moved)

        let policy = try far.policy()
        let observations = (0..<2).map { row in
            RobotObservation(doubles: ["position": position[2 * row..<2 * row + 2].map { offset + $0 }])
        }
        let chunk = try policy.predictActionChunks(for: [
            ChunkRequest(observations: observations, key: RandomKey(seed: 1))
        ])[0]
        #expect(chunk.doubles?.flatMap { $0 } == moved)
        #expect(chunk.prediction.flatMap { $0 } == moved.map(Float.init))
        var controller = RecedingHorizonController(policy, seed: 1)
        let action = try controller.doubles(for: observations[0])
        let fromStart = Array(repeating: observations[0], count: 2)
        let request = ChunkRequest(observations: fromStart, key: RandomKey(seed: 1).folding(0))
        #expect(
            try policy.predictActionChunks(for: [request])[0].doubles?[policy.horizon.executed.lowerBound] == action)
        #expect(policy.doubleFeatures == ["position"])
        #expect(try near.policy().doubleFeatures.isEmpty)
        // In single precision, the request has limited digits: steps of 256 here.
        let coarse = try policy.predict(observations: position.map { Float(offset + $0) }, keys: [RandomKey(seed: 1)])
        #expect(coarse.allSatisfy { abs(Double($0) - offset) < 512 })
    }

    @Test func warmStartsMoveWithTheOrigin() throws {
        let offset = 0x1p31
        let start = (0..<4).map { [Double($0) / 4, -0.5] }
        func answer(_ offset: Double) throws -> [Double] {
            let far = start.map { $0.map { $0 + offset } }
            let warm = WarmStart(actions: far.map { $0.map(Float.init) }, strength: 0.2, doubles: far)
            return try trainer(at: offset).policy().predict(
                doubles: Array(repeating: offset, count: 4), keys: [RandomKey(seed: 1)], starts: [warm])
        }
        let (near, far) = (try answer(0), try answer(offset))
        #expect(zip(near, far).allSatisfy { abs($0 + offset - $1) < 1e-4 })
    }

    @Test func policiesKeepTheirOrigins() throws {
        let trainer = try trainer(at: 1_700_000_000)
        try withTemporaryFolder { folder in
            try trainer.exportPolicy(to: folder)
            let document = try PolicyDirectory(folder).document()
            #expect(document.formatVersion == 3)
            #expect(document.normalizer.observation.origin.allSatisfy { abs($0 - 1_700_000_000) < 3 })
            #expect(document.normalizer.isSameMap(as: try trainer.policy().normalizer))
        }
    }

    /// The origin of single components of a feature is found by their indices.
    @Test func numbersChosenOneByOneKeepTheirOrigins() throws {
        let far = try demonstrations(at: 0x1p31)
        let pose = InMemoryDataset.Feature(
            "pose", shape: [3],
            doubles: try (0..<200).flatMap { frame in
                let position = try far.feature("position").recorded(frame: frame)
                return [position[0], 7, position[1] - 0x1p31]
            })
        var recipe = ToyRobot.recipe()
        recipe.policy.observations = ObservationSchema([FeatureSelection("pose", indices: [2, 0])])
        recipe.policy.action = ActionConfiguration(dimension: 2)
        let trainer = try ToyRobot.trainer(
            recipe,
            demonstrations: InMemoryDataset(features: [pose, far.feature("action")], episodeEnds: far.episodeEnds))
        let policy = try trainer.policy()
        #expect(policy.doubleFeatures == ["pose"])
        let origin = policy.normalizer.observation.origin
        #expect(origin[0] == 0 && abs(origin[1] - 0x1p31) < 3)
        let observations = Array(repeating: RobotObservation(doubles: ["pose": [0x1p31 + 0.5, 7, 0.25]]), count: 2)
        let chunk = try policy.predictActionChunks(for: [
            ChunkRequest(observations: observations, key: RandomKey(seed: 1))
        ])[0]
        let rows = [0.25, 0x1p31 + 0.5, 0.25, 0x1p31 + 0.5]
        #expect(try chunk.doubles?.flatMap { $0 } == policy.predict(doubles: rows, keys: [RandomKey(seed: 1)]))
        #expect(policy.demonstratedRanges.outOfRangeValue(in: observations[0]) == nil)
        #expect(
            policy.demonstratedRanges.outOfRangeValue(in: RobotObservation(doubles: ["pose": [0.5, 7, 0.25]]))?
                .component
                == 0)
    }

    /// Fingerprints without origins match those of earlier versions; others depend on the origins.
    @Test func fingerprintsDependOnOrigins() throws {
        func fingerprint(_ offset: Double) throws -> String { try trainer(at: offset).header().dataFingerprint }
        #expect(try fingerprint(0x1p31) != fingerprint(0x1p32))
        #expect(try fingerprint(0x1p31) == fingerprint(0x1p31))
    }
}
