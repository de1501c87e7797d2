import Control
import Foundation
import PolicyInterface
import Testing

@Suite struct JoiningTests {
    @Test(arguments: Joining.all + [.ensembling(decay: -0.5), .blending(steps: 9), .warmStart(share: 1)])
    func textsAreRead(joining: Joining) throws {
        #expect(try Joining(joining.description) == joining)
        let json = try JSONEncoder().encode([joining])
        #expect(try JSONDecoder().decode([Joining].self, from: json) == [joining])
    }

    @Test func aNameAloneHasTheUsualNumber() throws {
        #expect(try Joining("ensembling") == .ensembling(decay: 0.01))
        #expect(try Joining("blending") == .blending(steps: 2))
        #expect(try Joining("warm-start") == .warmStart(share: 0.7))
        #expect("\(Joining.dropping)" == "dropping" && "\(Joining.blending(steps: 5))" == "blending:5")
    }

    @Test(arguments: [
        "", "smooth", "dropping:1", "waiting:", "blending:", "blending:0", "blending:1.5", "blending:-2",
        "ensembling:nan", "ensembling:x", "warm-start:0", "warm-start:1.01", "warm-start:nan", "warm-start:0.5:1",
    ])
    func otherTextsAreRefused(text: String) throws {
        let error = #expect(throws: InvalidSetting.self) { try Joining(text) }
        #expect("\(try #require(error))".hasPrefix("joining"))
    }

    @Test func unknownNamesAreToldTheKnownOnes() throws {
        let error = #expect(throws: InvalidSetting.self) { try Joining("smooth") }
        #expect("\(try #require(error))".contains("ensembling:0.01"))
    }
}

@Suite struct ControlConfigurationTests {
    @Test func latenciesAreRoundedUpToWholeSteps() {
        let control = ControlConfiguration()
        let seconds = [0, 0.001, 0.1, 0.1001, 0.25, 0.3, 0.5, 0.7, 1]
        #expect(seconds.map { control.steps(for: $0) } == [0, 1, 1, 2, 3, 3, 5, 7, 10])
        #expect(ControlConfiguration(rate: 30).steps(for: 0.1) == 3)
        // Every whole number of steps, whatever binary fractions make of it.
        for steps in 0...600 { #expect(control.steps(for: Double(steps) / 10) == steps) }
    }

    @Test(arguments: [
        ControlConfiguration(interval: 0), ControlConfiguration(rate: 0), ControlConfiguration(rate: .nan),
        ControlConfiguration(joining: .blending(steps: 0)), ControlConfiguration(joining: .warmStart(share: 2)),
        ControlConfiguration(joining: .ensembling(decay: .infinity)),
    ])
    func unusableSettingsAreRefused(configuration: ControlConfiguration) {
        #expect(throws: InvalidSetting.self) { try configuration.validate() }
    }

    @Test func theDefaultsAreUsable() throws {
        try ControlConfiguration().validate()
        try ControlConfiguration.recedingHorizon.validate()
    }
}
