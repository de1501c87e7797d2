import ArgumentParser
import Demonstrations
import Foundation

/// Downloads published demonstrations.
struct DataFetch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Download published demonstrations, check them and unpack them.",
        discussion: """
            A download that broke off is continued when the command is given again. Every array is checked by its SHA-256.

            Examples:
              dpolicy data fetch pusht
              dpolicy data fetch pusht --url http://mirror.example/pusht.zip --output /tmp/data
            """)

    /// The datasets that are known.
    enum Name: String, ExpressibleByArgument, CaseIterable {
        case pusht

        var dataset: PublishedDataset {
            switch self {
            case .pusht: .pushT
            }
        }
    }

    @Argument(help: "What to fetch: pusht, 206 demonstrations of Push-T by people.")
    var name: Name

    @Option(help: "Where the archive is, if not where its authors publish it.")
    var url: String?

    @Option(help: ArgumentHelp("Folder to unpack into.", valueName: "dir"))
    var output = "data"

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard let url else { return }
        let scheme = URL(string: url)?.scheme ?? "no scheme"
        guard ["http", "https", "file"].contains(scheme) else {
            throw ValidationError("--url: expected an address such as https://host/pusht.zip, found \(url)")
        }
    }

    func run() throws {
        var dataset = name.dataset
        if let url = url.flatMap(URL.init(string:)) { dataset.url = url }
        let bar = ByteProgress()
        let folder = try DatasetFetcher(dataset).fetch(to: URL(fileURLWithPath: output)) { received, total in
            bar.show(received, of: total)
        }
        bar.finish()
        if global.json {
            try StandardOutput.write(json: ["path": folder.path])
        } else {
            StandardOutput.write(line: folder.path)
        }
    }
}

/// Shows how many bytes have arrived; told of it by the thread that receives them.
private final class ByteProgress: @unchecked Sendable {
    // The line is guarded by the lock.
    private let lock = NSLock()
    private let line = ProgressLine()

    func show(_ received: Int, of total: Int?) {
        lock.withLock {
            let megabytes = total.map { String(format: " of %.1f", Double($0) / 1e6) } ?? ""
            line.show(
                total.map { min(Double(received) / Double(max($0, 1)), 1) },
                String(format: "%.1f", Double(received) / 1e6) + megabytes + " MB")
        }
    }

    func finish() { lock.withLock { line.finish() } }
}
