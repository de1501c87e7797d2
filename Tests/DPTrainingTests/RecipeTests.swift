import DPGraph
import DPInterface
import DPPolicy
import Foundation
import TestSupport
import Testing

@testable import DPTraining

@Suite struct RecipeTests {
    private let lowDim = RecipeFile.shipped["pusht-lowdim"] ?? ""

    private func error(_ text: String, _ overrides: [String] = []) -> String {
        do {
            let recipe = try RecipeFile.read(text, place: "mine.yaml", overrides: overrides)
            return "accepted: \(recipe)"
        } catch { return "\(error)" }
    }

    @Test(arguments: RecipeFile.shipped.keys.sorted())
    func shippedRecipesAreValid(name: String) throws {
        let recipe = try RecipeFile.read(name)
        #expect(recipe.name == name)
        #expect(!recipe.description.isEmpty)
    }

    @Test func lowDimMatchesThePaper() throws {
        var recipe = try RecipeFile.read("pusht-lowdim")
        #expect(recipe == .pushTLowDim)
        recipe.policy.observations = try recipe.policy.observations.resolved(featureSizes: ["keypoint": 18, "state": 5])
        #expect(try DiffusionModel(recipe.policy).table.parameterCount == 5_412_162)
    }

    @Test func lowDimTransformerMatchesThePublishedOne() throws {
        var recipe = try RecipeFile.read("pusht-lowdim-transformer")
        #expect(recipe.policy.denoiser == .transformer())
        recipe.policy.observations = try recipe.policy.observations.resolved(featureSizes: ["keypoint": 18, "state": 5])
        let table = try DiffusionModel(recipe.policy).table
        #expect(table.parameterCount == 8_965_122)
        #expect(table.ranges.contains { !$0.parameter.decays })

        // Apart from the network, its policy equals that of the U-Net.
        var policy = try RecipeFile.read("pusht-lowdim-transformer").policy
        policy.denoiser = Recipe.pushTLowDim.policy.denoiser
        #expect(policy == Recipe.pushTLowDim.policy)
    }

    @Test func imageTransformerHasTheObservationsOfTheUNet() throws {
        var recipe = try RecipeFile.read("pusht-image-transformer")
        let other = try RecipeFile.read("pusht-image-cnn")
        #expect(recipe.training.batchSize * recipe.training.noiseSamples == 256)
        recipe.policy.denoiser = other.policy.denoiser
        #expect(recipe.policy == other.policy)
    }

    @Test(arguments: RecipeFile.shipped.keys.sorted())
    func aWrittenRecipeReadsTheSame(name: String) throws {
        var recipe = try RecipeFile.read(name)
        recipe.description = "two: words # and\n\"more\" ünïcode"
        recipe.training.optimizer.learningRate = 0.1 + 0.2
        recipe.training.seed = .max
        recipe.training.rollouts = changed(RolloutConfiguration()) { $0.interval = 10 }
        recipe.policy.diffusion.betas = .linear(start: 1e-7, end: 0.5)
        let text = try RecipeFile.text(of: recipe)
        #expect(try RecipeFile.read(text, place: "copy") == recipe)
    }

    @Test func overridesReplaceAnyFeature() throws {
        let recipe = try RecipeFile.read(
            "pusht-lowdim",
            overrides: [
                "training.batch_size=64", "policy.denoiser.widths=[8, 16]", "training.gradient_clip=0.5",
                "policy.action.limits=null", "policy.observations.features.1.slice=[0, 3]", "name=mine",
                "training.rollouts.interval=10", "training.rollouts.episodes=2", "training.rollouts.seed=7",
                "policy.sampler={name: ddim, steps: 10}", "policy.normalization.features.state=gaussian",
                "policy.diffusion.clip=null",
            ])
        #expect(recipe.training.batchSize == 64)
        #expect(recipe.policy.denoiser == .unet(.init(widths: [8, 16])))
        #expect(recipe.training.gradientClip == 0.5)
        #expect(recipe.policy.action.limits == nil)
        #expect(recipe.policy.observations.features[1].slice == 0..<3)
        #expect(recipe.name == "mine")
        #expect(
            recipe.training.rollouts
                == changed(RolloutConfiguration()) {
                    $0.interval = 10
                    $0.episodes = 2
                    $0.seed = 7
                })
        #expect(recipe.policy.sampler == .ddim(steps: 10))
        #expect(recipe.policy.normalization.features == ["state": .gaussian])
    }

    /// A stored recipe without a spacing keeps the old default; a new one gets the spacing that suits any number of
    /// steps.
    @Test func aNewRecipeBeginsAtTheNoisiestStep() throws {
        let steps = ["policy.sampler={name: ddim, steps: 51, eta: 0}"]
        let new = try RecipeFile.read(lowDim, place: "mine.yaml", overrides: steps)
        #expect(new.policy.sampler == .ddim(steps: 51, spacing: .trailing))
        let stored = try RecipeFile.read(lowDim, place: "run/recipe.yaml", overrides: steps, isStored: true)
        #expect(stored.policy.sampler == .ddim(steps: 51, spacing: .leading))
        let chosen = try RecipeFile.read(
            lowDim, place: "mine.yaml", overrides: steps + ["policy.sampler.spacing=leading"])
        #expect(chosen.policy.sampler == stored.policy.sampler)
        #expect(try RecipeFile.text(of: chosen).contains("spacing: leading"))
        #expect(
            error(lowDim, ["policy.sampler.spacing=trailling"]).contains(
                "expected one of leading, trailing, linspace, found trailling; did you mean trailing?"))
        #expect(error(lowDim, ["policy.sampler=[ddim]"]).contains("policy.sampler"))
    }

    @Test func observationsOfPushTHaveNames() throws {
        func observations(_ name: String) throws -> Recipe {
            try RecipeFile.read(lowDim, place: "mine.yaml", overrides: ["policy.observations=\(name)"])
        }
        #expect(try observations("pusht_keypoints") == .pushTLowDim)
        let state = try observations("pusht_state")
        #expect(state.policy.observations == .pushTState)
        #expect(try RecipeFile.text(of: state).contains("features:"))
        #expect(error(lowDim, ["policy.observations=pusht"]).contains("pusht_keypoints and pusht_state"))
        #expect(error(lowDim, ["policy.observations=[state]"]).contains("policy.observations"))
    }

    @Test func omittedTrainingSettingsKeepTheirDefaults() throws {
        let recipe = try RecipeFile.read(
            "custom-robot",
            overrides: [
                "training.optimizer.learning_rate=1e-3", "training.ema.power=0.5",
                "training.rollouts.interval=9",
            ])
        #expect(recipe.training.optimizer == changed(AdamWConfiguration()) { $0.learningRate = 1e-3 })
        #expect(recipe.training.ema == changed(EMASchedule()) { $0.power = 0.5 })
        #expect(recipe.training.rollouts == changed(RolloutConfiguration()) { $0.interval = 9 })
    }

    /// A recipe of version 1, in which some keys have other names.
    @Test func recipesOfVersion1AreRead() throws {
        let old = """
            name: old
            description: ""
            policy:
              observations:
                fields:
                  - name: joints
                    columns: [0, 3]
                    width: 7
              action: {field: command, dimension: 2, limits: null}
              denoiser: {name: unet, widths: [8, 16], kernel_size: 3, groups: 4, step_embedding: 8, conditions_scale: false}
              sampler: {name: ddim, steps: 10, eta: 0}
              normalisation: {observations: limits, action: limits, fields: {joints: gaussian}}
            training:
              accumulation: 2
              maximum_episodes: 9
              moving_average: {power: 0.5}
              learning_rate_factors: {down_modules: 0}
            """
        let recipe = try RecipeFile.read(old, place: "old.yaml")
        #expect(recipe.policy.observations.features == [FeatureSelection("joints", slice: 0..<3, size: 7)])
        #expect(recipe.policy.action == ActionConfiguration(feature: "command", dimension: 2))
        #expect(
            recipe.policy.denoiser
                == .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8, condPredictScale: false)))
        #expect(recipe.policy.normalization.features == ["joints": .gaussian])
        #expect(recipe.training.gradientAccumulationSteps == 2)
        #expect(recipe.training.maxTrainEpisodes == 9)
        #expect(recipe.training.ema == changed(EMASchedule()) { $0.power = 0.5 })
        #expect(recipe.training.learningRateMultipliers == ["down_modules": 0])
        // New recipes use the spacing `trailing`; a run of version 1 continues with `leading`.
        #expect(recipe.policy.sampler == .ddim(steps: 10, spacing: .trailing))
        let stored = try RecipeFile.read(old, place: "old.yaml", isStored: true)
        #expect(stored.policy.sampler == .ddim(steps: 10, spacing: .leading))
        // Version 2 has no old names, and no other version is known.
        #expect(error("version: 2\n" + old).contains("did you mean"))
        #expect(error("version: 3\nname: x").contains("version: expected 2, found 3"))
        #expect(try RecipeFile.read(RecipeFile.text(of: recipe), place: "copy") == recipe)
        #expect(try RecipeFile.text(of: recipe).hasPrefix("version: 2\n"))
    }

    /// A recipe is a patch over the defaults of all settings.
    @Test func everySettingMayBeOmitted() throws {
        let recipe = try RecipeFile.read("policy: {observations: {features: [{name: joints}]}}", place: "short.yaml")
        #expect(
            recipe
                == Recipe(
                    name: "",
                    policy: PolicyConfiguration(
                        observations: ObservationSchema([FeatureSelection("joints")]), action: ActionConfiguration())))
        let resolved = try recipe.resolved(for: ToyRobot.demonstrations())
        #expect(resolved.policy.action.dimension == 7)
    }

    @Test func unknownKeysSuggestTheNearest() {
        let misspelt = lowDim.replacing("batch_size:", with: "bach_size:")
        #expect(error(misspelt).contains("training.bach_size: expected a known key"))
        #expect(error(misspelt).contains("did you mean training.batch_size?"))
        #expect(error(misspelt).hasPrefix("mine.yaml:"))
        #expect(error(lowDim, ["training.optimiser.beta1=0"]).contains("did you mean training.optimizer?"))
        #expect(error(lowDim, ["batch_size=3"]).contains("did you mean training.batch_size?"))
        #expect(error(lowDim, ["policy.denoiser.width=[8]"]).contains("did you mean policy.denoiser.widths?"))
        #expect(
            error(lowDim, ["policy.observations.features.0.nmae=x"]).contains("policy.observations.features.0.name?"))
        #expect(error(lowDim, ["training.warm_up=3"]).contains("training.learning_rate_schedule.warm_up?"))
    }

    /// Lists of the wrong length are rejected with the expected form.
    @Test(arguments: [
        ("policy.observations.features=[{name: joints, slice: [0, 1, 2, 3]}]", "[first, end]"),
        ("policy.observations.features=[{name: joints, slice: [3]}]", "[first, end]"),
        ("policy.observations.features=[{name: joints, slice: []}]", "[first, end]"),
        ("policy.observations.features=[{name: joints, slice: [5, 3]}]", "single components: [5, 3]"),
        ("policy.observations.features=[{name: joints, slice: [0, 3], indices: [1]}]", "not both"),
        ("policy.observations.features=[{name: joints, indices: []}]", "such as [0, 2, 5]"),
        ("policy.observations.features=[{name: joints, indices: [1, 1]}]", "each once"),
        ("policy.observations.features=[{name: joints, indices: [-1]}]", "from 0"),
        ("policy.observations.features=[{name: joints, indices: [65536]}]", "a size in"),
        ("policy.observations.images=[{name: img, crop: [84]}]", "[height, width]"),
        ("policy.observations.images=[{name: img, resize: [84, 84, 3]}]", "[height, width]"),
        ("policy.action.limits={lower: [0, 0, 0], upper: [1, 1]}", "2 finite numbers"),
        ("policy.action.limits={lower: [0, 0], upper: [1]}", "2 finite numbers"),
    ])
    func listsOfAnotherLengthAreRefused(_ override: String, _ form: String) {
        #expect(error(lowDim, [override]).contains(form), "\(error(lowDim, [override]))")
    }

    /// Runs of earlier versions name no task, which changes no number.
    @Test func aNewTaskIsNotADifference() throws {
        let named = Recipe.pushTLowDim
        var unnamed = named
        unnamed.task = nil
        #expect(try RecipeFile.differences(before: unnamed, now: named).isEmpty)
        #expect(try RecipeFile.differences(before: named, now: unnamed) == ["task: pusht before, null now"])
        #expect(try RecipeFile.text(of: unnamed).contains("task: null"))
    }

    /// Names of features and parameters may contain dots.
    @Test func keysWithDotsAreSet() throws {
        let recipe = try RecipeFile.read(
            lowDim, place: "mine.yaml",
            overrides: [
                "policy.observations.features=[{name: observation.state}]",
                "policy.normalization.features.observation.state=gaussian",
                "training.learning_rate_multipliers.rgb_encoder.scene=0.5",
            ])
        #expect(recipe.policy.normalization.features == ["observation.state": .gaussian])
        #expect(recipe.training.learningRateMultipliers == ["rgb_encoder.scene": 0.5])
    }

    @Test(arguments: [
        ("policy.diffusion.prediction=noise", "did you mean epsilon?"),
        ("policy.diffusion.prediction=velocity", "did you mean v_prediction?"),
        ("policy.diffusion.prediction=x0", "did you mean sample?"),
        ("policy.normalization.action=min_max", "did you mean limits?"),
        ("policy.normalization.action=guassian", "did you mean gaussian?"), ("task=push_t", "did you mean pusht?"),
    ])
    func whatOthersCallTheSameIsSuggested(_ override: String, _ words: String) {
        #expect(error(lowDim, [override]).contains(words), "\(error(lowDim, [override]))")
    }

    @Test func selectsSingleComponents() throws {
        let recipe = try RecipeFile.read(
            lowDim, place: "mine.yaml", overrides: ["policy.observations.features=[{name: joints, indices: [5, 0, 2]}]"]
        )
        #expect(recipe.policy.observations.features == [FeatureSelection("joints", indices: [5, 0, 2])])
        #expect(try RecipeFile.read(RecipeFile.text(of: recipe), place: "copy") == recipe)
    }

    @Test func wrongTypesAreNamed() {
        #expect(
            error(lowDim, ["training.batch_size=many"])
                == "--set training.batch_size: expected a whole number, found many")
        #expect(error(lowDim, ["training.batch_size=2.5"]).contains("expected a whole number, found 2.5"))
        #expect(error(lowDim, ["training.batch_size=\"8\""]).contains("expected a whole number, found the text \"8\""))
        #expect(error(lowDim, ["training.seed=-1"]).contains("expected a whole number from 0, found -1"))
        #expect(error(lowDim, ["training.optimizer=0.1"]).contains("expected a mapping"))
        #expect(error(lowDim, ["training.optimizer.learning_rate=.nan"]).contains("expected a finite number"))
        #expect(error(lowDim, ["policy.denoiser.kernel_size=null"]).contains("found null"))
        #expect(
            error(lowDim, ["policy.denoiser.widths=64"]).contains("policy.denoiser.widths: expected a list, found 64"))
        #expect(
            error(lowDim, ["policy.denoiser.widths=[64, x]"]).contains("widths.1: expected a whole number, found x"))
        #expect(
            error(lowDim, ["policy.conditioning=globl"]).hasSuffix(
                "expected one of global, local, inpainting, found globl; did you mean global?"))
        #expect(error(lowDim, ["policy.sampler.name=dpm"]).contains("expected one of ddpm, ddim, found dpm"))
        #expect(error(lowDim, ["policy.denoiser.cond_predict_scale=1"]).contains("expected true or false, found 1"))
        #expect(error(lowDim, ["policy.horizon=null"]).contains("expected a mapping"))
        #expect(error("").contains("expected a mapping"))
        #expect(error("- a").contains("expected a mapping"))
        #expect(error("name: [").contains("expected YAML"))
        #expect(error("name: a\nname: b") == "mine.yaml:1: expected YAML, found a mapping with name more than once")
        #expect(error("name: x").contains("expected at least one feature or image, found none"))
    }

    @Test func malformedOverridesAreRefused() {
        #expect(error(lowDim, ["training.batch_size="]).contains("expected key=value"))
        #expect(error(lowDim, ["training.batch_size"]).contains("expected key=value"))
        #expect(error(lowDim, ["=3"]).contains("expected key=value"))
        #expect(error(lowDim, ["policy.observations.features.7.name=x"]).contains("expected an index in 0..<2"))
        #expect(
            error(lowDim, ["policy.diffusion.betas.start=0.1"]).contains("set the whole: policy.diffusion.betas={…}"))
        #expect(error(lowDim, ["training.batch_size={"]).contains("expected YAML"))
    }

    @Test func impossibleValuesAreRefusedWithTheirLine() {
        #expect(error(lowDim, ["training.batch_size=0"]).contains("training.batch_size: expected 1...65536, found 0"))
        #expect(
            error(lowDim, ["training.gradient_accumulation_steps=3"]).contains(
                "expected a divisor of batch_size 256, found 3"))
        #expect(error(lowDim, ["training.validation_ratio=1"]).contains("training.validation_ratio"))
        #expect(error(lowDim, ["training.optimizer.beta1=1"]).contains("training.optimizer.beta1"))
        #expect(error(lowDim, ["training.rollouts={interval: 0, episodes: 1, seed: 1}"]).contains("rollouts.interval"))
        #expect(error(lowDim, ["policy.sampler.steps=101"]).contains("1...100"))
        #expect(error(lowDim, ["policy.diffusion.steps=0"]).contains("policy.diffusion.steps: expected 1...10000"))
        let horizon = error(lowDim.replacing("prediction: 16", with: "prediction: 8"))
        #expect(horizon.contains("horizon") && horizon.contains("1...7"))
        #expect(error(lowDim, ["policy.horizon.prediction=18"]).contains("policy.horizon.prediction"))
        #expect(error(lowDim.replacing("  steps: 8000", with: "  steps: 0")).contains("mine.yaml:"))
    }

    @Test func refusesAliasBombs() throws {
        // Each list contains the previous one nine times: 9¹⁰ values.
        func bomb(levels: Int, aliases: Int) -> String {
            (1..<levels).reduce("a0: &a0 [x]") {
                "\($0)\na\($1): &a\($1) [\(Array(repeating: "*a\($1 - 1)", count: aliases).joined(separator: ", "))]"
            }
        }
        #expect(error(bomb(levels: 11, aliases: 9)).contains("expected at most 16 aliases (*name), found 90"))
        #expect(error(bomb(levels: 5, aliases: 2)).contains("a0: expected a known key"))
        let list = "a: &a [\(Array(repeating: "x", count: 2_000).joined(separator: ", "))]\n"
        #expect(
            error(list + "b: [\(Array(repeating: "*a", count: 12).joined(separator: ", "))]").contains("20000 values"))
        #expect(error(String(repeating: "#", count: 1_000_001)).contains("at most 1000000 bytes"))
    }

    @Test func distinguishesNamesFromPaths() throws {
        func error(_ name: String) -> String {
            do { return "accepted \(try RecipeFile.read(name))" } catch { return "\(error)" }
        }
        #expect(error("pusht-lowdm").contains("did you mean pusht-lowdim?"))
        #expect(error("./pusht-lowdim").contains("no such file"))
        #expect(
            error("none.yaml").contains(
                "recipes that ship: custom-robot, custom-robot-cameras, pusht-demo, pusht-image-cnn"))
        #expect(error("/").contains("expected a recipe"))
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("mine.yaml")
            try RecipeFile.write(.pushTLowDim, to: url)
            #expect(try RecipeFile.read(url.path) == .pushTLowDim)
        }
    }

    @Test func differencesNameKeysAndValues() throws {
        var other = Recipe.pushTLowDim
        other.training.steps = 9_000
        other.policy.denoiser = .unet(.init(widths: [8, 16]))
        other.policy.action.limits = nil
        let differences = try RecipeFile.differences(before: .pushTLowDim, now: other)
        #expect(differences.contains("training.steps: 8000 before, 9000 now"))
        #expect(differences.contains("policy.denoiser.widths: [64, 128, 256] before, [8, 16] now"))
        #expect(differences.count == 3)
    }

    @Test func editDistances() {
        #expect(editDistance("kitten", "sitting") == 3)
        #expect(editDistance("", "abc") == 3)
        #expect(editDistance("same", "same") == 0)
    }
}
