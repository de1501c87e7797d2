import ArgumentParser
import DPDatasets
import Foundation

/// Downloads published demonstrations.
struct DataFetch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Download, verify and unpack published demonstrations.",
        discussion: """
            Run the command again to continue an interrupted download. The SHA-256 of every array is verified.

            Examples:
              dpolicy data fetch pusht
              dpolicy data fetch pusht --url http://mirror.example/pusht.zip \\
                --output /tmp/data
            """)

    /// The known datasets.
    enum Name: String, ExpressibleByArgument, CaseIterable {
        case pusht

        var dataset: PublishedDataset {
            switch self {
            case .pusht: .pushT
            }
        }
    }

    @Argument(help: "Dataset to download: pusht, 206 human demonstrations of Push-T.")
    var name: Name

    @Option(help: "URL of the archive; default: the authors' URL.")
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

/// Shows the number of received bytes.
///
/// The receiving thread calls it.
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
