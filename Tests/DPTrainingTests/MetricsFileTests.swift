import DPTraining
import Foundation
import Testing

@Suite struct MetricsFileTests {
    private let first = """
        {"step":1,"epoch":0,"loss":1.5,"learning_rate":0,"gradient_norm":2,"samples_per_second":100,"elapsed_seconds":3}

        """

    private func rows(_ text: String) throws -> [MetricsRow] {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("metrics.jsonl")
            try Data(text.utf8).write(to: file)
            return try MetricsFile.rows(contentsOf: file)
        }
    }

    @Test func absentAndUnknownValuesAreReadAndAnUnfinishedLastLineIsPassedOver() throws {
        let second = first.replacing(
            "\"step\":1", with: "\"step\":2,\"validation_loss\":null,\"score\":0.5,\"more\":[1]")
        let rows = try rows(first + second + "{\"step\":3,\"lo")
        #expect(rows.map(\.step) == [1, 2])
        #expect(rows[0].loss == 1.5 && rows[0].elapsedSeconds == 3 && rows[0].score == nil)
        #expect(rows[1].score == 0.5 && rows[1].validationLoss == nil && rows[1].actionMSE == nil)
        #expect(try self.rows("").isEmpty)
    }

    @Test func aBrokenLineIsRefusedWithFileAndLine() throws {
        let error = #expect(throws: TrainingError.self) { try rows(first + "{\"step\":\"x\"}\n" + first) }
        #expect(
            "\(error!)".contains("metrics.jsonl, line 2: expected the metrics of an update, found {\"step\":\"x\"}"))
        #expect(throws: (any Error).self) {
            try MetricsFile.rows(contentsOf: URL(fileURLWithPath: "/nonexistent/metrics.jsonl"))
        }
    }
}
