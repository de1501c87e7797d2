import ArgumentParser
import DPEvaluation
import DPInterface
import DPPolicy
import Foundation

/// Describes a policy, run, checkpoint, dataset or the machine.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Describe a policy, run, checkpoint, dataset or this machine.",
        discussion: """
            Examples:
              dpolicy inspect runs/demo/policy
              dpolicy inspect runs/demo --json
              dpolicy inspect Demonstrations/pusht.zarr
              dpolicy inspect --machine
              dpolicy inspect runs/images/policy --keypoints keypoints.png \\
                --data Demonstrations/pusht.zarr
            """)

    @Argument(help: "Policy folder, run folder, checkpoint, zarr folder or .zarr.zip.")
    var path: String?

    @Flag(help: "Show this machine's processors, memory and instruction sets, their limits, and the chosen settings.")
    var machine = false

    @Option(
        help: ArgumentHelp(
            "Write a PNG file that shows the keypoints of the image encoders on frames of --data.",
            valueName: "file"))
    var keypoints: String?

    @Option(help: ArgumentHelp("Dataset to take the frames from.", valueName: "path"))
    var data: String?

    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (path == nil) == machine else {
            throw ValidationError("expected a path or --machine, found \(machine ? "both" : "neither")")
        }
        guard path != nil || keypoints == nil else {
            throw ValidationError("--keypoints: expected a policy's path, found --machine")
        }
        guard (keypoints == nil) == (data == nil) else {
            throw ValidationError(
                "--keypoints and --data: expected both or none of them, found \(data == nil ? "--keypoints" : "--data")"
            )
        }
    }

    func run() throws {
        if let path, let keypoints, let data {
            try OutputPath.check(file: keypoints)
            let named = NamedPolicy(at: path)
            let policy = try DiffusionPolicy(contentsOf: named.url, backend: computing.machine(global))
            _ = try KeypointFrames.cameras(of: policy)
            let demonstrations = try PushTTask.demonstrations(
                at: URL(fileURLWithPath: data), for: policy.configuration, task: named.task())
            try KeypointFrames(policy: policy, demonstrations: demonstrations)
                .write(to: URL(fileURLWithPath: keypoints))
        }
        let inspection =
            try path.map { try Inspection(of: URL(fileURLWithPath: $0)) }
            ?? .machine(MachineDescription(of: computing.machine(global), threads: global.threads))
        if global.json {
            try StandardOutput.write(json: inspection)
        } else {
            StandardOutput.write(line: "\(inspection)")
        }
    }
}
