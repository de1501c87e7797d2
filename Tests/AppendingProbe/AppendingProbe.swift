import Demonstrations
import Foundation

/// Appends episodes to the set at the path that is its argument until it is killed, and prints after each how many there are.
///
/// All numbers of an episode are its own number in the set.
@main struct AppendingProbe {
    static func main() throws {
        let set = DemonstrationSet(URL(fileURLWithPath: CommandLine.arguments[1]), fields: ["state": [2]])
        var size = try set.open()
        while true {
            let frames = 1 + size.episodes % 5
            let values = [Float](repeating: Float(size.episodes), count: 2 * frames)
            let episode = try ReplayBuffer(
                fields: [ReplayBuffer.Field("state", shape: [2], values: values)], episodeEnds: [frames])
            size = try set.append(episode)
            // Not through a buffer, which a kill would take along.
            FileHandle.standardOutput.write(Data("\(size.episodes)\n".utf8))
        }
    }
}
