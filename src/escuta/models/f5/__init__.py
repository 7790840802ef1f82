"""F5-TTS: a voice and a text become a mel spectrogram by flow matching, and that becomes sound."""
