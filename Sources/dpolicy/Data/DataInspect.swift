import ArgumentParser
import Demonstrations
import Foundation

/// Tells what a dataset holds.
struct DataInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show fields, shapes, episodes and ranges of a dataset, and the recipe settings that fit.",
        discussion: """
            Examples:
              dpolicy data inspect Demonstrations/pusht.zarr
              dpolicy data inspect robot.zarr.zip --action commands --json
            """)

    @Argument(help: "A zarr v2 folder or .zarr.zip.")
    var path: String

    @Option(help: "The field that holds the actions.")
    var action = "action"

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let description = try DatasetDescription(
            contentsOf: URL(fileURLWithPath: path), action: action, logger: .messages)
        let names = description.fields.map(\.name)
        guard action == "action" || names.contains(action) else {
            throw CommandError(
                place: "--action", expected: "one of the fields, \(names.joined(separator: ", "))", found: action)
        }
        if global.json {
            try StandardOutput.write(json: description)
        } else {
            StandardOutput.write(line: "\(description)")
        }
    }
}
