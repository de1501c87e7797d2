import ArgumentParser
import Foundation
import RemotePolicies

/// Measures how many robots a server can answer.
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a policy server as many robots would, and tell how fast it answers.",
        discussion: """
            Each robot asks its next question as soon as it has its answer. With --interval there is a line for each interval instead of one \
            for the whole time. The exit code is 1 when a question got an error.

            Examples:
              dpolicy load --server ws://127.0.0.1:8000 --clients 16 --seconds 60
              dpolicy load --server ws://127.0.0.1:8000 --seconds 3600 --interval 60
              dpolicy load --server wss://robots.example.org --api-key-file key.txt --json
            """)

    @OptionGroup var remote: RemoteOptions

    @Option(parsing: .unconditional, help: "How many robots ask.")
    var clients = 16

    @Option(parsing: .unconditional, help: "How long they ask.")
    var seconds = 10.0

    @Option(parsing: .unconditional, help: "Seconds after which a line is printed; one at the end if not given.")
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
            throw CommandError(
                place: "\(address)", expected: "an answer to every question",
                found: "\(errors) errors, the first of them: \(firstError)")
        }
    }

    /// Prints what robots got, at once even if a program reads it.
    private func present(_ report: ServerLoad.Report) throws {
        if global.json {
            try StandardOutput.write(json: report)
        } else {
            StandardOutput.write(
                line: String(
                    format: "%d robots  %.1f answers a second  median %.2f ms  p99 %.2f ms  %d answers  %d errors",
                    report.clients, report.rate, report.median, report.p99, report.answers, report.errors))
        }
        try StandardOutput.flush()
    }
}
