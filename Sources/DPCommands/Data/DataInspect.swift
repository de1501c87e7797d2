import ArgumentParser
import DPBase
import DPDatasets
import Foundation

/// Describes a dataset.
struct DataInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show features, shapes, episodes and ranges of a dataset, and matching recipe settings.",
        discussion: """
            Examples:
              dpolicy data inspect Demonstrations/pusht.zarr
              dpolicy data inspect robot.zarr.zip --action commands --json
            """)

    @Argument(help: "Zarr v2 folder or .zarr.zip.")
    var path: String

    @Option(help: "Feature that holds the actions.")
    var action = "action"

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let description = try DatasetDescription(
            contentsOf: URL(fileURLWithPath: path), action: action, logger: .messages)
        let names = description.features.map(\.name)
        guard action == "action" || names.contains(action) else {
            throw InputError(
                at: "--action", expected: "one of the features, \(names.joined(separator: ", "))", found: action)
        }
        if global.json {
            try StandardOutput.write(json: description)
        } else {
            StandardOutput.write(line: "\(description)")
        }
    }
}
