import ArgumentParser
import Foundation

/// Tells what something is.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what a policy, run, checkpoint or dataset is: parameters, shapes, recipe, ranges.",
        discussion: """
            Examples:
              dpolicy inspect runs/demo/policy
              dpolicy inspect runs/demo --json
              dpolicy inspect Demonstrations/pusht.zarr
            """)

    @Argument(help: "A policy directory, a run, a checkpoint, a zarr folder or a .zarr.zip.")
    var path: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let inspection = try Inspection(of: URL(fileURLWithPath: path))
        if global.json {
            try StandardOutput.write(json: inspection)
        } else {
            StandardOutput.write(line: "\(inspection)")
        }
    }
}
