import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy bench`.
@Suite struct BenchTests {
    @Test func measuresBothKindsOfWork() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writeRobotDemonstrations(to: folder("demonstrations.zarr"))
        try Fixtures.recipe.write(to: folder("recipe.yaml"), atomically: true, encoding: .utf8)
        let outcome = try CommandLineRun([
            "bench", "--recipe", folder("recipe.yaml").path, "--data", folder("demonstrations.zarr").path,
            "--training-steps", "2", "--chunks",
            "2", "--steps", "2", "--threads", "1", "--json",
        ]).wait()
        #expect(outcome.status == 0)
        for key in ["training_step_ms", "denoising_pass_ms"] {
            let timing = try #require(try outcome.json()[key] as? [String: Double])
            let (least, median, most) = (timing["minimum"] ?? -1, timing["median"] ?? -1, timing["maximum"] ?? -1)
            #expect(0 < least && least <= median && median <= most)
        }
    }
}
