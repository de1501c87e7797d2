import ArgumentParser
import Foundation
import Policies
import TensorGraph

/// Writes a policy anew.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a policy to a folder of its own, with weights in float32 or bfloat16.",
        discussion: """
            Weights in bfloat16 take half the space; they are widened again when they are loaded.

            Examples:
              dpolicy export --policy runs/demo --output robots/pusht
              dpolicy export --policy runs/demo/policy --output small --precision bfloat16
            """)

    @Option(help: ArgumentHelp("Folder of the policy, or of the run that trained it.", valueName: "dir"))
    var policy: String

    @Option(help: ArgumentHelp("The folder to write to.", valueName: "dir"))
    var output: String

    /// How weights may be stored.
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

    @Option(help: "How weights are stored.")
    var precision = StoredPrecision.float32

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let stored = try PolicyDirectory(NamedPolicy(at: policy).url).read()
        let directory = PolicyDirectory(URL(fileURLWithPath: output))
        try directory.write(stored, precision: precision.precision)
        if global.json {
            try StandardOutput.write(json: ["policy": output, "precision": precision.rawValue])
        } else {
            StandardOutput.write(line: "policy  \(output)")
        }
    }
}
