import DPBase
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// Subcommands with a policy whose weights differ from the written ones.
@Suite struct DamagedPolicyTests {
    private func run(_ arguments: String..., in folder: TemporaryFolder) throws -> CommandLineRun.Outcome {
        try CommandLineRun(arguments, directory: folder.url).wait()
    }

    private func expectRefusal(in folder: TemporaryFolder, naming text: String) throws {
        let policy = folder("policy").path
        try SafetensorsWriter.write(
            [
                SafetensorsTensor(
                    "observation", shape: [1, 2, 20], .float32(fill("o", count: 40, base: 250, scale: 50)))
            ],
            to: folder("in"))
        for arguments in [
            ["inspect", policy], ["predict", "--policy", policy, "--input", "in", "--output", "out"],
            ["evaluate", "--policy", policy, "--episodes", "1"], ["export", "--policy", policy, "--output", "copy"],
            ["serve", "--policy", policy, "--port", "0"], ["play", "--policy", policy, "--port", "0", "--no-open"],
        ] {
            let outcome = try CommandLineRun(arguments, directory: folder.url).wait()
            #expect(outcome.status == 1, "\(arguments[0])")
            #expect(outcome.errors.contains(text), "\(arguments[0]): \(outcome.errors)")
        }
    }

    /// The shipped policy with half of its weights overwritten by zeros.
    @Test func everySubcommandRefusesDamagedWeights() throws {
        let folder = try TemporaryFolder()
        let shipped = Project.folder.appendingPathComponent("Policies/pusht")
        try FileManager.default.copyItem(at: shipped, to: folder("policy"))
        #expect(try run("inspect", "policy", in: folder).status == 0)
        var bytes = try Data(contentsOf: folder("policy/model.safetensors"))
        let half = bytes.count / 2
        bytes.replaceSubrange(half..., with: Data(count: bytes.count - half))
        try bytes.write(to: folder("policy/model.safetensors"))
        try expectRefusal(in: folder, naming: "checksum")
    }

    @Test func everySubcommandRefusesWeightsOfAnotherExport() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
        try Fixtures.writePushTPolicy(to: folder("other"), seed: 8)
        try FileManager.default.removeItem(at: folder("policy/model.safetensors"))
        try FileManager.default.copyItem(
            at: folder("other/model.safetensors"), to: folder("policy/model.safetensors"))
        try expectRefusal(in: folder, naming: "policy_fingerprint")
    }
}
