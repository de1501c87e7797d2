import ArgumentParser

/// The subcommands for datasets.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Inspect, download or record datasets of demonstrations.",
        discussion: """
            Examples:
              dpolicy data inspect Demonstrations/pusht.zarr
              dpolicy data fetch pusht
              dpolicy data record --policy runs/pusht/policy --output recorded.zarr
            """,
        subcommands: [DataInspect.self, DataFetch.self, DataRecord.self])
}
