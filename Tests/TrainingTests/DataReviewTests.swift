import Demonstrations
import Policies
import PolicyInterface
import TestSupport
import Testing

@testable import Training

/// What is told of demonstrations, and refused, before anything is learned.
@Suite struct DataReviewTests {
    private func demonstrations(_ change: (String, Int, Float) -> Float) throws -> ReplayBuffer {
        let buffer = try ToyRobot.demonstrations()
        return try ReplayBuffer(
            fields: buffer.fields.values.map { field in
                ReplayBuffer.Field(
                    field.name, shape: field.shape,
                    values: field.values.enumerated().map { change(field.name, $0 % field.width, $1) })
            }, episodeEnds: buffer.episodeEnds)
    }

    private func losses(_ demonstrations: ReplayBuffer) throws -> [Double] {
        let trainer = try ToyRobot.trainer(demonstrations: demonstrations)
        return try trainer.batches(count: 3).map { try trainer.step($0).loss }
    }

    /// In units of a millionth, normalized numbers are the same bit for bit, and so is all that is learned.
    @Test func smallNumbersAreLearnedAsLargeOnes() throws {
        #expect(try losses(demonstrations { 0x1p-20 * $2 }) == losses(ToyRobot.demonstrations()))
    }

    @Test func constantsAreTold() throws {
        let still = try demonstrations { name, column, value in
            name == "action" && column == 2 ? 0.25 : name == "joints" && column == 6 ? 1000 : value
        }
        let trainer = try ToyRobot.trainer(demonstrations: still)
        #expect(trainer.warnings.count == 1)
        #expect(trainer.warnings[0].contains("joints[6] (1000), action[2] (0.25);"))
        #expect(try ToyRobot.trainer().warnings.isEmpty)
        // The untrained network says something else.
        let chunk = try trainer.policy().chunks(for: [
            ChunkRequest(
                observations: Array(
                    repeating: Observation(vectors: ["joints": [Float](repeating: 0.1, count: 7), "gripper": [0]]),
                    count: 2), key: RandomKey(seed: 1))
        ])[0]
        #expect(chunk.prediction.allSatisfy { $0[2] == 0.25 && $0[1] != 0.25 })
    }
}
