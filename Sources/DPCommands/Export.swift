import ArgumentParser
import DPBase
import DPGraph
import DPInterface
import DPPolicy
import DPTraining
import Foundation

/// Writes a copy of a policy.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Export a policy to a new folder, with weights in float32 or bfloat16.",
        discussion: """
            Weights in bfloat16 take half the space; loading converts them back to float32. Exporting a checkpoint \
            writes its EMA weights; `dpolicy inspect RUN` shows the best checkpoint.

            Examples:
              dpolicy export --policy runs/demo --output robots/pusht
              dpolicy export --policy runs/demo/policy --output small --precision bfloat16
              dpolicy export --policy runs/demo/checkpoints/step-00003000.checkpoint \\
                --output robots/earlier
            """)

    @Option(
        help: ArgumentHelp("Policy folder, run folder or checkpoint file.", valueName: "dir|file"))
    var policy: String

    @Option(help: ArgumentHelp("Output folder.", valueName: "dir"))
    var output: String

    /// The precisions of stored weights.
    enum StoredPrecision: String, ExpressibleByArgument, CaseIterable {
        case float32
        case bfloat16

        var precision: Precision {
            switch self {
            case .float32: .float32
            case .bfloat16: .bfloat16
            }
        }
    }

    @Option(help: "Precision of the stored weights.")
    var precision = StoredPrecision.float32

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let place = URL(fileURLWithPath: output)
        guard place.resolvingSymlinksInPath().path != NamedPolicy(at: policy).url.resolvingSymlinksInPath().path else {
            throw InputError(at: output, expected: "a folder other than the policy's own", found: "the same")
        }
        try OutputPath.check(folder: output)
        try PolicyDirectory(place).write(stored(), precision: precision.precision)
        if global.json {
            try StandardOutput.write(json: ["policy": output, "precision": precision.rawValue])
        } else {
            StandardOutput.write(line: "policy  \(output)")
        }
    }

    private func stored() throws -> StoredPolicy {
        var isFolder: ObjCBool = false
        let isFile = FileManager.default.fileExists(atPath: policy, isDirectory: &isFolder) && !isFolder.boolValue
        if isFile { return try Checkpoint(contentsOf: URL(fileURLWithPath: policy)).policy() }
        return try PolicyDirectory(NamedPolicy(at: policy).url).read()
    }
}
