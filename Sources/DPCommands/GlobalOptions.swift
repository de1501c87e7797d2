import ArgumentParser
import DPCPU

/// Options of every subcommand.
struct GlobalOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Number of threads; default: see `dpolicy inspect --machine`.")
    var threads: Int?

    @Flag(help: "Print results as JSON.")
    var json = false

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads: expected 1...1024, found \(threads)")
        }
        _ = try checkingUsage { try InstructionSet.inUse() }
    }
}
