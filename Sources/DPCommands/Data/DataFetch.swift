import ArgumentParser
import DPBase
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
        // The receiving thread shows the progress.
        let line = Monitor(ProgressLine())
        let folder = try DatasetFetcher(dataset).fetch(to: URL(fileURLWithPath: output)) { received, total in
            line.change { $0.show(received, of: total) }
        }
        line.change { $0.finish() }
        if global.json {
            try StandardOutput.write(json: ["path": folder.path])
        } else {
            StandardOutput.write(line: folder.path)
        }
    }
}

extension ProgressLine {
    /// Shows the number of received bytes.
    fileprivate func show(_ received: Int, of total: Int?) {
        let megabytes = total.map { String(format: " of %.1f", Double($0) / 1e6) } ?? ""
        show(
            total.map { min(Double(received) / Double(max($0, 1)), 1) },
            String(format: "%.1f", Double(received) / 1e6) + megabytes + " MB")
    }
}
