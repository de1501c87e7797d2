import ArgumentParser
import Foundation
import Policies
import TensorGraph
import Training

/// Writes a policy anew.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a policy to a folder of its own, with weights in float32 or bfloat16.",
        discussion: """
            Weights in bfloat16 take half the space; they are widened again when they are loaded. The policy of a checkpoint is its \
            moving average; `dpolicy inspect RUN` tells which checkpoint is the best.

            Examples:
              dpolicy export --policy runs/demo --output robots/pusht
              dpolicy export --policy runs/demo/policy --output small --precision bfloat16
              dpolicy export --policy runs/demo/checkpoints/step-00003000.checkpoint \\
                --output robots/earlier
            """)

    @Option(
        help: ArgumentHelp(
            "Folder of the policy, or of the run that trained it, or a checkpoint of the run.", valueName: "dir|file"))
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
        let place = URL(fileURLWithPath: output)
        guard place.resolvingSymlinksInPath().path != NamedPolicy(at: policy).url.resolvingSymlinksInPath().path else {
            throw CommandError(place: output, expected: "another folder than the policy's own", found: "the same")
        }
        try OutputPlace.check(folder: output)
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
