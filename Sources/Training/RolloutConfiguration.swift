import PolicyInterface

/// Rollouts in a simulator while training goes on: they choose among checkpoints, so their seeds are not those of the final test.
public struct RolloutConfiguration: Codable, Sendable, Hashable {
    /// Every so many updates.
    public var interval: Int
    /// In so many episodes.
    public var episodes: Int
    /// The seed of the first episode; the others follow.
    public var seed: UInt64

    /// 16 episodes from seed 200000, by default.
    public init(interval: Int, episodes: Int = 16, seed: UInt64 = 200_000) {
        self.interval = interval
        self.episodes = episodes
        self.seed = seed
    }

    /// Checks that there is something to do.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        for (key, value) in [("interval", interval), ("episodes", episodes)] where value < 1 {
            throw InvalidSetting(key: "rollouts.\(key)", expected: "1 or more", found: value)
        }
    }
}

extension RolloutConfiguration {
    /// Reads the fields that are given; all but the interval have defaults.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(interval: try fields.decode(Int.self, forKey: .interval))
        episodes = try fields.decodeIfPresent(Int.self, forKey: .episodes) ?? episodes
        seed = try fields.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
    }
}
