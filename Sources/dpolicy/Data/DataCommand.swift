import ArgumentParser

/// Everything about demonstrations.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Look at demonstrations, fetch published ones, or record new ones.",
        discussion: """
            Examples:
              dpolicy data inspect Demonstrations/pusht.zarr
              dpolicy data fetch pusht
              dpolicy data record --policy runs/pusht/policy --output recorded.zarr
            """,
        subcommands: [DataInspect.self, DataFetch.self, DataRecord.self])
}
