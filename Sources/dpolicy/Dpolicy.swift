import ArgumentParser
import Foundation

/// The command line of the project.
@main
struct Dpolicy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dpolicy",
        abstract: "Learn a skill from demonstrations by diffusion, act, and see how well it went.",
        discussion: """
            A first run, from demonstrations to a film of the learnt policy:
              dpolicy data inspect Demonstrations/pusht.zarr
              dpolicy train --recipe pusht-demo --data Demonstrations/pusht.zarr \\
                --output runs/demo
              dpolicy evaluate --policy runs/demo/policy --video rollouts.mp4

            Results go to standard output, progress and messages to standard error. The exit code is 0 when all went well, 64 for \
            a command that cannot be understood, 130, 143 or 129 for one that was interrupted by Ctrl-C, SIGTERM or SIGHUP, and 1 for everything else.
            """,
        version: "0.1.0",
        subcommands: [
            Train.self, Evaluate.self, LatencySweep.self, PlayCommand.self, Record.self, Serve.self, Load.self,
            Predict.self, Simulate.self, Inspect.self, Export.self, DataCommand.self, Bench.self,
        ])

    @OptionGroup var global: GlobalOptions

    /// Runs the verb that the arguments name, and leaves with its exit code.
    static func main() {
        // A reader that has seen enough, such as `head`, ends the command without a word.
        signal(SIGPIPE, SIG_DFL)
        // Where the caller has closed a standard stream, no file may take its number: what is written to the stream would go into the file.
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

    /// No argument may be empty, as one is where a variable of a script is not set: an empty path would mean the working directory.
    private static func refuseEmptyArguments() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let empty = arguments.firstIndex(where: { $0.isEmpty || $0.hasPrefix("--") && $0.hasSuffix("=") }) else {
            return
        }
        let words = arguments[..<empty].suffix(1) + [arguments[empty].isEmpty ? "''" : arguments[empty]]
        throw ValidationError("\(words.joined(separator: " ")): expected a value, found an empty one")
    }
}
