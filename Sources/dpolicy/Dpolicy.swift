import ArgumentParser

/// The command line of the project.
@main
struct Dpolicy: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "dpolicy", version: "0.1.0")
}
