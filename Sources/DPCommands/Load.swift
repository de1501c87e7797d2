import ArgumentParser
import DPBase
import DPServing
import Foundation

/// Load-tests a policy server.
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load-test a policy server: throughput and latency with many clients.",
        discussion: """
            Each client sends its next request as soon as it receives a response. With --interval, one line is \
            printed per interval instead of one for the whole test. The exit code is 1 if any request failed.

            Examples:
              dpolicy load --server ws://127.0.0.1:8000 --clients 16 --seconds 60
              dpolicy load --server ws://127.0.0.1:8000 --seconds 3600 --interval 60
              dpolicy load --server wss://robots.example.org --api-key-file key.txt --json
            """)

    @OptionGroup var remote: RemoteOptions

    @Option(parsing: .unconditional, help: "Number of clients.")
    var clients = 16

    @Option(parsing: .unconditional, help: "Duration of the test in seconds.")
    var seconds = 10.0

    @Option(parsing: .unconditional, help: "Seconds between printed lines; default: one line at the end.")
    var interval: Double?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard remote.server != nil else {
            throw ValidationError("--server: expected the address of a server, found none")
        }
        try checkingUsage { try load.validate() }
    }

    private var load: ServerLoad { ServerLoad(clients: clients, seconds: seconds, interval: interval) }

    func run() throws {
        guard let address = try remote.address() else { return }
        var (errors, firstError): (Int, String?) = (0, nil)
        try load.run(address, configuration: remote.configuration()) { report in
            errors += report.errors
            firstError = firstError ?? report.firstError
            try present(report)
        }
        if let firstError {
            throw InputError(
                at: "\(address)", expected: "a response to every request",
                found: "\(errors) errors, the first of them: \(firstError)")
        }
    }

    /// Prints a report and flushes it, so that a program that reads it receives it immediately.
    private func present(_ report: ServerLoad.Report) throws {
        if global.json {
            try StandardOutput.write(json: report)
        } else {
            StandardOutput.write(
                line: String(
                    format: "%d clients  %.1f responses a second  median %.2f ms  p99 %.2f ms  %d responses  %d errors",
                    report.clients, report.rate, report.median, report.p99, report.answers, report.errors))
        }
        try StandardOutput.flush()
    }
}
