import ArgumentParser
import CPUBackend

/// What every verb understands.
struct GlobalOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Threads to compute with; as `dpolicy inspect --machine` says if not given.")
    var threads: Int?

    @Flag(help: "Print results as JSON, for programs to read.")
    var json = false

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads: expected 1...1024, found \(threads)")
        }
        _ = try checkingUsage { try InstructionSet.inUse() }
    }
}
