import DPBase
import DPDatasets
import DPPolicy
import DPTraining
import Foundation

/// A description of the item at a path or of the machine, as text and JSON.
enum Inspection {
    case policy(PolicyDescription)
    case run(RunDescription)
    case checkpoint(CheckpointDescription)
    case dataset(DatasetDescription)
    case machine(MachineDescription)

    /// Detects the kind of item at a path and describes it.
    /// - Throws: `InputError` for an unknown kind, or an error from reading the item.
    init(of url: URL) throws {
        func has(_ name: String) throws -> Bool { try PathKind(at: url.appendingPathComponent(name).path) != nil }
        guard let kind = try PathKind(at: url.path) else {
            throw InputError(at: url.path, expected: Self.known, found: "no such file")
        }
        if kind == .folder {
            if try has("policy.json") {
                self = .policy(PolicyDescription(of: try PolicyDirectory(url).verifiedDocument()))
            } else if try has("recipe.yaml") {
                self = .run(try RunDescription(of: RunDirectory(url)))
            } else if try has(".zgroup") {
                self = .dataset(try DatasetDescription(contentsOf: url, logger: .messages))
            } else {
                throw Self.unknown(url, "another folder")
            }
        } else if url.pathExtension == "zip" {
            self = .dataset(try DatasetDescription(contentsOf: url, logger: .messages))
        } else if ["checkpoint", "safetensors"].contains(url.pathExtension) {
            self = .checkpoint(CheckpointDescription(of: try Checkpoint(contentsOf: url).header, file: url))
        } else {
            throw Self.unknown(url, "another file")
        }
    }

    private static func unknown(_ url: URL, _ found: String) -> InputError {
        let foreign = ForeignData(at: url)
        return InputError(at: url.path, expected: known, found: foreign?.found ?? found, hint: foreign?.hint)
    }

    private static let known = """
        a policy directory (policy.json), a run (recipe.yaml), a checkpoint (step-….checkpoint), or a dataset (.zarr or .zarr.zip)
        """

    private var kind: String {
        switch self {
        case .policy: "policy"
        case .run: "run"
        case .checkpoint: "checkpoint"
        case .dataset: "dataset"
        case .machine: "machine"
        }
    }

    private var content: any Encodable & CustomStringConvertible {
        switch self {
        case .policy(let description): description
        case .run(let description): description
        case .checkpoint(let description): description
        case .dataset(let description): description
        case .machine(let description): description
        }
    }
}

extension Inspection: CustomStringConvertible {
    var description: String { "\(kind)\n\(content)" }
}

extension Inspection: Encodable {
    private enum CodingKeys: String, CodingKey {
        case kind
    }

    /// Writes the description with its kind.
    func encode(to encoder: any Encoder) throws {
        try content.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
    }
}
