import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy export`.
@Suite struct ExportTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
    }

    private func export(_ options: String...) throws -> CommandLineRun.Outcome {
        let arguments = ["export", "--policy", folder("policy").path, "--output", folder("copy").path]
        return try CommandLineRun(arguments + options).wait()
    }

    @Test func aCopyHasTheSameWeights() throws {
        #expect(try export().status == 0)
        let (original, copy) = (
            try PolicyDirectory(folder("policy")).read(), try PolicyDirectory(folder("copy")).read()
        )
        #expect(copy.weights == original.weights)
        #expect(copy.configuration == original.configuration)
        #expect(copy.normalizer == original.normalizer)
    }

    @Test func bfloat16RoundsTheWeights() throws {
        #expect(try export("--precision", "bfloat16", "--json").json()["precision"] as? String == "bfloat16")
        let (original, copy) = (
            try PolicyDirectory(folder("policy")).read(), try PolicyDirectory(folder("copy")).read()
        )
        #expect(copy.weights != original.weights)
        #expect(zip(copy.weights, original.weights).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
    }

    @Test func anUnknownPrecisionIsWrongUsage() throws {
        #expect(try export("--precision", "int4").status == 64)
    }
}
