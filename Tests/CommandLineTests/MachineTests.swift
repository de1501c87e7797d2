import Foundation
import TestSupport
import Testing

/// `dpolicy inspect --machine`, and how commands respect the limits that it reports.
@Suite struct MachineTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func describesTheMachine() throws {
        let json = try dpolicy("inspect", "--machine", "--json").json()
        #expect(json["kind"] as? String == "machine")
        #expect((json["threads"] as? Int ?? 0) >= 1)
        #expect(((json["memory"] as? [[String: Any]])?.first?["available"] as? Int ?? 0) > 0)
        // Nothing follows the version, which means that the library uses the program's thread pool.
        #expect((json["library"] as? String)?.wholeMatch(of: /oneDNN \d+\.\d+\.\d+/) != nil)
        let text = try dpolicy("inspect", "--machine", "--threads", "3")
        #expect(text.lines.contains("threads       3, by --threads"))
        #expect(isOneLine(try dpolicy("inspect", "somewhere", "--machine").errors, with: "--machine", "both"))
    }

    @Test(.enabled(if: ControlGroup.canBeMade, "a control group cannot be made here"))
    func aContainerHasOneThread() throws {
        let group = try #require(ControlGroup())
        let machine = try group.run("inspect", "--machine", "--json")
        #expect(machine.status == 0, "\(machine.errors)")
        let json = try machine.json()
        #expect(json["threads"] as? Int == 1)
        #expect(json["threads_reason"] as? String == (json["usable"] as? String == "0" ? "cores" : "quota"))
        #expect(json["quota"] as? Double == 1)
        let limits = (json["memory"] as? [[String: Any]])?.compactMap { $0["limit"] as? Int } ?? []
        #expect(limits.contains(1 << 30))
        #expect((json["available_memory"] as? Int ?? .max) < 1 << 30)
    }

    @Test(.enabled(if: ControlGroup.canBeMade, "a control group cannot be made here"))
    func aContainerRefusesWorkThatDoesNotFit() throws {
        try Fixtures.writeRobotDemonstrations(to: folder("robot.zarr"))
        try Data(Fixtures.recipe.utf8).write(to: folder("tiny.yaml"))
        let group = try #require(ControlGroup())
        func train(_ name: String, widths: String) throws -> CommandLineRun.Outcome {
            try group.run(
                "train", "--recipe", folder("tiny.yaml").path, "--data", folder("robot.zarr").path, "--output",
                folder(name).path, "--set", "training.steps=2", "--set", "policy.denoiser.widths=\(widths)")
        }
        let large = try train("large", widths: "[512,1024,2048]")
        #expect(large.status == 1)
        #expect(!large.isKilled)
        #expect(
            isOneLine(large.errors, with: "memory: expected room for", "of the 1024.0 MiB of", "use a smaller batch"))
        #expect(!FileManager.default.fileExists(atPath: folder("large").path))
        let small = try train("small", widths: "[8,16]")
        #expect(small.status == 0, "\(small.errors)")
    }
}
