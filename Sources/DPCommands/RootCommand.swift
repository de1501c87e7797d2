import ArgumentParser
import Foundation

/// The root command, `dpolicy`.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dpolicy",
        abstract: "Train, evaluate and serve diffusion policies.",
        discussion: """
            A first run, from demonstrations to a video of the trained policy:
              dpolicy data inspect Demonstrations/pusht.zarr
              dpolicy train --recipe pusht-demo --data Demonstrations/pusht.zarr \\
                --output runs/demo
              dpolicy evaluate --policy runs/demo/policy --video rollouts.mp4

            Results go to standard output, progress and messages to standard error. The exit code is 0 on success, \
            64 for invalid arguments, 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP, and 1 for all other errors. \
            serve, play and record run until Ctrl-C or SIGTERM, and then exit with 0.
            """,
        version: "0.2.0",
        subcommands: [
            Train.self, Evaluate.self, LatencySweep.self, PlayCommand.self, Record.self, Serve.self, Load.self,
            Predict.self, Simulate.self, Inspect.self, Export.self, DataCommand.self, Bench.self,
        ])

    @OptionGroup var global: GlobalOptions

    /// Runs the subcommand that the arguments name and exits with its exit code.
    static func main() {
        // Exit silently when a reader such as `head` closes the pipe.
        signal(SIGPIPE, SIG_DFL)
        // If the caller closed a standard stream, occupy its descriptor. Otherwise a file opened later would get
        // it, and output to the stream would go into that file.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            _ = open("/dev/null", O_RDWR)
        }
        do {
            try refuseEmptyArguments()
            var command = try parseAsRoot()
            try command.run()
            try StandardOutput.flush()
            end(0)
        } catch {
            leave(because: error)
        }
    }

    /// Rejects empty arguments, as from an unset variable in a script: an empty path would mean the working directory.
    private static func refuseEmptyArguments() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let empty = arguments.firstIndex(where: { $0.isEmpty || $0.hasPrefix("--") && $0.hasSuffix("=") }) else {
            return
        }
        let words = arguments[..<empty].suffix(1) + [arguments[empty].isEmpty ? "''" : arguments[empty]]
        throw ValidationError("\(words.joined(separator: " ")): expected a value, found an empty one")
    }
}
